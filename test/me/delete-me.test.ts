import { describe, expect, test } from 'vitest'
import { newClient, PASSWORD, race } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders, expectProblem } from '../support/expect.ts'
import { mailedToken, plantToken } from '../support/one-time.ts'
import { useLentService } from '../support/service.ts'
import { ageSignIn, sessionRow, untilWaiting } from '../support/sessions.ts'

const service = useLentService()

everyRoute(service, { method: 'DELETE', path: '/v1/me', allow: 'GET, HEAD, PATCH, DELETE', caller: 'bearer' })

async function newAccount(settings: Record<string, unknown> = {}) {
  const client = await newClient(service(), { settings })
  const { email, tokens } = await client.signUp()
  const close = (bearer = tokens.access_token, headers = {}) =>
    client.call('/v1/me', { method: 'DELETE', bearer, headers })
  return { client, email, tokens, close }
}

const userRow = async (id: string) => {
  const [row] = await service().sql('select * from users where id = $1', [id])
  return row ?? {}
}

const deletedEvents = (userId: string) =>
  service().sql<{ actor: string; data: Record<string, unknown> }>(
    `select actor, data from events where type = 'user.deleted' and subject = $1`,
    [userId],
  )

describe('accepts', () => {
  test('closes the account at once: no session, no password, no sign-in', async () => {
    const { client, email, tokens, close } = await newAccount()
    const other = await client.signIn(email)
    const answer = await close()
    expect(answer).toMatchObject({ status: 204, body: '' })
    expectCommonHeaders(answer)
    expect(answer.headers.get('set-cookie')).toBeNull()
    for (const { refresh_token, access_token, session } of [tokens, other]) {
      expectProblem(await client.refresh(refresh_token), 'invalid_grant')
      expectProblem(await client.me(access_token), 'invalid_token')
      expect((await sessionRow(service(), session.id)).revoke_reason).toBe('closed')
    }
    expectProblem(await client.login(email), 'invalid_credentials')
    expect(await service().sql('select 1 from passwords where user_id = $1', [tokens.user.id])).toEqual([])
    expect(await userRow(tokens.user.id)).toMatchObject({
      email,
      deleted_at: expect.any(Date),
      erased_at: null,
    })
  })

  test('expires the cookie of a browser', async () => {
    const { close, tokens } = await newAccount()
    const answer = await close(undefined, { cookie: `__Host-latchkey=${tokens.refresh_token}` })
    expect(answer.status).toBe(204)
    expect(answer.headers.get('set-cookie')).toMatch(/^__Host-latchkey=; Max-Age=0;/)
  })

  test('records one event, with the sessions that ended and the day of the erasure', async () => {
    const { client, email, tokens, close } = await newAccount({ erasure_days: 3 })
    const other = await client.signIn(email)
    await close()
    const [event, ...others] = await deletedEvents(tokens.user.id)
    expect(others).toEqual([])
    const [issued] = await service().sql<{ id: string; subject: string; days: number }>(
      `select id, subject, extract(epoch from expires_at - created_at)::float / 86400 as days
       from one_time_tokens where user_id = $1`,
      [tokens.user.id],
    )
    expect(issued).toMatchObject({ subject: email, days: expect.closeTo(3, 5) })
    expect(event?.actor).toBe(tokens.user.id)
    expect(event?.data).toEqual({
      token_id: issued?.id,
      session_ids: expect.arrayContaining([tokens.session.id, other.session.id]),
      erased_after: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    })
    const { deleted_at: closedAt } = await userRow(tokens.user.id)
    const days = (Date.parse(String(event?.data.erased_after)) - (closedAt as Date).getTime()) / 86_400_000
    expect(days).toBeCloseTo(3, 5)
  })

  test('makes every pending link void, but for the one that undoes a change of address', async () => {
    const { client, email, tokens, close } = await newAccount()
    const common = { tenant: client.tenant, userId: tokens.user.id, subject: email }
    for (const purpose of [
      'verify_email',
      'reset_password',
      'change_email_new',
      'sign_in',
      'revert_email',
    ] as const)
      await plantToken(service(), { ...common, purpose })
    await close()
    const left = await service().sql(
      'select purpose from one_time_tokens where user_id = $1 order by purpose',
      [tokens.user.id],
    )
    expect(left).toEqual([{ purpose: 'restore_account' }, { purpose: 'revert_email' }])
  })

  test('leaves no way back where the tenant erases at once', async () => {
    const { tokens, close } = await newAccount({ erasure_days: 0 })
    expect((await close()).status).toBe(204)
    await expect(mailedToken(service(), tokens.user.id, 'restore_account')).rejects.toThrow()
    const [event] = await deletedEvents(tokens.user.id)
    expect(Object.keys(event?.data ?? {}).toSorted()).toEqual(['erased_after', 'session_ids'])
  })
})

describe('refuses', () => {
  test('a sign-in that is older than ten minutes (RFC 9470), and changes nothing', async () => {
    const { client, tokens, close } = await newAccount()
    const old = await ageSignIn(service(), client, tokens)
    const answer = await close(old.access_token)
    expectProblem(answer, 'insufficient_user_authentication')
    expect(answer.headers.get('www-authenticate')).toBe(
      'Bearer error="insufficient_user_authentication", acr_values="aal2 aal1", max_age="600"',
    )
    expect((await client.me(old.access_token)).status).toBe(200)
    expect(await deletedEvents(tokens.user.id)).toEqual([])
  })

  test('a second time: the session that asked is over', async () => {
    const { tokens, close } = await newAccount()
    await close()
    expectProblem(await close(), 'invalid_token')
    expect(await deletedEvents(tokens.user.id)).toHaveLength(1)
  })
})

describe('K16: the last administrator', () => {
  test('is refused, and goes when there is another one', async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUpAdmin()
    const close = () => client.call('/v1/me', { method: 'DELETE', bearer: tokens.access_token })
    expectProblem(await close(), 'last_administrator')
    expect((await client.me(tokens.access_token)).status).toBe(200)
    expect(await deletedEvents(tokens.user.id)).toEqual([])
    await client.plantedAccount({ roles: ['admin'], status: 'disabled' })
    expectProblem(await close(), 'last_administrator')
    await client.plantedAccount({ roles: ['admin'] })
    expect((await close()).status).toBe(204)
  })

  test('of 50 who all go at the same time one stays', async () => {
    const client = await newClient(service())
    const all = await Promise.all(Array.from({ length: 50 }, () => client.signUpAdmin()))
    const answers = await race(50, (index) =>
      client.call('/v1/me', { method: 'DELETE', bearer: all[index]?.tokens.access_token ?? '' }),
    )
    const refused = answers.filter(({ status }) => status !== 204)
    expect(refused).toHaveLength(1)
    for (const answer of refused) expectProblem(answer, 'last_administrator')
  })
})

describe('attacks', () => {
  test('10 at once close the account once', async () => {
    const { tokens, close } = await newAccount()
    const answers = await race(10, () => close())
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(9)
    expect(await deletedEvents(tokens.user.id)).toHaveLength(1)
  })

  test('a sign-in that is under way when it begins leaves no session behind', async () => {
    const { client, email, tokens, close } = await newAccount()
    const holder = await service().connect()
    try {
      await holder.query('begin')
      await holder.query('select 1 from users where id = $1 for update', [tokens.user.id])
      const signing = client.login(email)
      await untilWaiting(service(), 1)
      const closing = close()
      await untilWaiting(service(), 2)
      await holder.query('commit')
      const { status, body } = await signing
      expect([status, (await closing).status]).toEqual([200, 204])
      expectProblem(await client.refresh(body.refresh_token), 'invalid_grant')
      expectProblem(await client.me(body.access_token), 'invalid_token')
      expect((await sessionRow(service(), body.session.id)).revoke_reason).toBe('closed')
    } finally {
      await holder.end()
    }
  })

  test("closes no one else's account, in this tenant or another", async () => {
    const { client, close } = await newAccount()
    const { email, tokens: neighbour } = await client.signUp()
    const elsewhere = await newClient(service())
    const { body: namesake } = await elsewhere.register(email)
    await close()
    expect((await client.me(neighbour.access_token)).status).toBe(200)
    expect((await elsewhere.me(namesake.access_token)).status).toBe(200)
    expect((await client.login(email, PASSWORD)).status).toBe(200)
  })

  test('a cookie alone closes nothing', async () => {
    const { client, tokens } = await newAccount()
    const answer = await client.call('/v1/me', {
      method: 'DELETE',
      headers: { cookie: `__Host-latchkey=${tokens.refresh_token}`, 'sec-fetch-site': 'same-origin' },
    })
    expectProblem(answer, 'missing_token')
    expect((await client.me(tokens.access_token)).status).toBe(200)
  })
})
