import { describe, expect, test } from 'vitest'
import { countBy, createClient, newClient, race } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders, expectInvalidInput, expectProblem } from '../support/expect.ts'
import {
  mailedToken,
  ONE_TIME_PURPOSES,
  plantClosedAccount,
  plantToken,
  unknownOneTimeToken,
} from '../support/one-time.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

everyRoute(service, {
  method: 'POST',
  path: '/v1/me/restore',
  allow: 'POST',
  caller: 'anyone',
  json: { token: unknownOneTimeToken() },
})

async function newClosed() {
  const client = await newClient(service())
  const { email, tokens } = await client.signUp()
  const other = await client.signIn(email)
  await client.call('/v1/me', { method: 'DELETE', bearer: other.access_token })
  const token = await mailedToken(service(), tokens.user.id, 'restore_account')
  const restore = (presented: unknown = token) =>
    client.call('/v1/me/restore', { json: { token: presented } })
  return { client, email, tokens, other, token, restore }
}

const isClosed = async (id: string) => {
  const [row] = await service().sql('select deleted_at is not null as closed from users where id = $1', [id])
  return row?.closed
}

describe('accepts', () => {
  test('opens the account again, with a proved address, no session and no password', async () => {
    const { client, email, tokens, other, restore } = await newClosed()
    const answer = await restore()
    expect(answer).toMatchObject({ status: 204, body: '' })
    expectCommonHeaders(answer)
    const [row] = await service().sql('select * from users where id = $1', [tokens.user.id])
    expect(row).toMatchObject({ email, deleted_at: null, email_verified_at: expect.any(Date) })
    for (const { refresh_token, access_token } of [tokens, other]) {
      expectProblem(await client.refresh(refresh_token), 'invalid_grant')
      expectProblem(await client.me(access_token), 'invalid_token')
    }
    expectProblem(await client.login(email), 'invalid_credentials')
    const events = await service().sql('select actor from events where type = $1 and subject = $2', [
      'user.restored',
      tokens.user.id,
    ])
    expect(events).toEqual([{ actor: tokens.user.id }])
  })

  test('ends a session that was left behind by whatever began it', async () => {
    const { client, tokens, restore } = await newClosed()
    await service().sql('update sessions set revoked_at = null, revoke_reason = null where id = $1', [
      tokens.session.id,
    ])
    await restore()
    expectProblem(await client.me(tokens.access_token), 'invalid_token')
    expectProblem(await client.refresh(tokens.refresh_token), 'invalid_grant')
  })

  test('an account that was closed, restored and closed again, by the newer link alone', async () => {
    const { client, email, tokens, token: older, restore } = await newClosed()
    await restore()
    await service().sql(
      `update sessions set revoked_at = null, revoke_reason = null, kept_at = now() where id = $1`, // stands for a new sign-in
      [tokens.session.id],
    )
    expect((await client.call('/v1/me', { method: 'DELETE', bearer: tokens.access_token })).status).toBe(204)
    expectProblem(await restore(older), 'invalid_one_time_token')
    expect((await restore(await mailedToken(service(), tokens.user.id, 'restore_account'))).status).toBe(204)
    expect(await isClosed(tokens.user.id)).toBe(false)
    expect(email).toBe(
      (await service().sql('select email from users where id = $1', [tokens.user.id]))[0]?.email,
    )
  })
})

describe('refuses', () => {
  test('a token that was used', async () => {
    const { restore } = await newClosed()
    await restore()
    expectProblem(await restore(), 'invalid_one_time_token')
  })

  test('an expired one, and one that was never mailed', async () => {
    const client = await newClient(service())
    const { userId, email } = await plantClosedAccount(service(), client.tenant)
    const planted = { tenant: client.tenant, purpose: 'restore_account', userId, subject: email } as const
    const token = await plantToken(service(), { ...planted, seconds: -1 })
    for (const presented of [token, unknownOneTimeToken()])
      expectProblem(
        await client.call('/v1/me/restore', { json: { token: presented } }),
        'invalid_one_time_token',
      )
    expect(await isClosed(userId)).toBe(true)
  })

  test.each(ONE_TIME_PURPOSES.filter((purpose) => purpose !== 'restore_account'))(
    'a token for %s',
    async (purpose) => {
      const client = await newClient(service())
      const { userId, email } = await plantClosedAccount(service(), client.tenant)
      const token = await plantToken(service(), { tenant: client.tenant, purpose, userId, subject: email })
      expectProblem(await client.call('/v1/me/restore', { json: { token } }), 'invalid_one_time_token')
      expect(await isClosed(userId)).toBe(true)
    },
  )

  test.each([
    ['a number', 1, 'wrong_type'],
    ['null', null, 'wrong_type'],
    ['a list', ['x'], 'wrong_type'],
    ['too long', 'x'.repeat(201), 'too_long'],
  ])('a token that is %s', async (_, token, code) => {
    const client = await newClient(service())
    expectInvalidInput(await client.call('/v1/me/restore', { json: { token } }), { '/token': code })
  })

  test.each(['', ' ', 'null', 'lko_', `lko_${'A'.repeat(44)}`])('a token that is %j', async (token) => {
    const client = await newClient(service())
    expectProblem(await client.call('/v1/me/restore', { json: { token } }), 'invalid_one_time_token')
  })

  test('once the address has another account that proved it, and changes nothing (409)', async () => {
    const { client, email, tokens, restore } = await newClosed()
    const { body: successor } = await client.register(email)
    await service().sql('update users set email_verified_at = now() where id = $1', [successor.user.id])
    expectProblem(await restore(), 'email_taken')
    expect(await isClosed(tokens.user.id)).toBe(true)
    expect((await client.me(successor.access_token)).body.id).toBe(successor.user.id)
    const [token] = await service().sql('select consumed_at from one_time_tokens where user_id = $1', [
      tokens.user.id,
    ])
    expect(token).toEqual({ consumed_at: null })
  })

  test('an account that is erased', async () => {
    const { tokens, restore } = await newClosed()
    await service().sql('update users set erased_at = now() where id = $1', [tokens.user.id])
    expectProblem(await restore(), 'invalid_one_time_token')
    expect(await isClosed(tokens.user.id)).toBe(true)
  })
})

describe('attacks', () => {
  test('who registers the address meanwhile, and never proves it, keeps no one out', async () => {
    const { client, email, tokens, restore } = await newClosed()
    const { body: squatter } = await client.register(email, 'the password of a squatter')
    expect((await restore()).status).toBe(204)
    expect(await isClosed(tokens.user.id)).toBe(false)
    expect(await isClosed(squatter.user.id)).toBe(true)
    expectProblem(await client.me(squatter.access_token), 'invalid_token')
    expectProblem(await client.refresh(squatter.refresh_token), 'invalid_grant')
    expectProblem(await client.login(email, 'the password of a squatter'), 'invalid_credentials')
  })

  test('50 at once restore it once', async () => {
    const { tokens, restore } = await newClosed()
    const answers = await race(50, () => restore())
    expect(countBy(answers, ({ status }) => status)).toEqual({ 204: 1, 400: 49 })
    const events = await service().sql(`select 1 from events where type = 'user.restored' and subject = $1`, [
      tokens.user.id,
    ])
    expect(events).toHaveLength(1)
  })

  test('25 restores against 25 registrations of the address: one account, and no one sees a fault', async () => {
    const { client, email, tokens, restore } = await newClosed()
    const answers = await race(50, (index) => (index % 2 === 0 ? restore() : client.register(email)))
    for (const status of Object.keys(countBy(answers, ({ status }) => status)))
      expect(['201', '204', '400', '409', '429']).toContain(status)
    const live = await service().sql(
      'select id from users where tenant_id = $1 and email = $2 and deleted_at is null',
      [client.tenant.id, email],
    )
    expect(live).toHaveLength(1)
    // A registration that came first has proved nothing, so it gives way.
    const counts = countBy(answers, ({ status }) => status)
    expect(counts[204] ?? 0).toBeLessThanOrEqual(1)
    expect(counts[201] ?? 0).toBeLessThanOrEqual(1)
    expect(live[0]?.id === tokens.user.id).toBe(counts[204] === 1)
  })

  test('on the host of another tenant it is nothing', async () => {
    const { tokens, token } = await newClosed()
    const elsewhere = createClient(service(), await service().newTenant())
    expectProblem(await elsewhere.call('/v1/me/restore', { json: { token } }), 'invalid_one_time_token')
    expect(await isClosed(tokens.user.id)).toBe(true)
  })

  test('a foreign page cannot restore', async () => {
    const { client, tokens, token } = await newClosed()
    const answer = await client.call('/v1/me/restore', {
      json: { token },
      headers: { origin: 'https://evil.example' },
    })
    expectProblem(answer, 'origin_not_allowed')
    expect(await isClosed(tokens.user.id)).toBe(true)
  })
})
