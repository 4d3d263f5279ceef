import { describe, expect, test } from 'vitest'
import { enrol } from '../support/authenticator.ts'
import { newClient, newEmail, PASSWORD, type Tokens } from '../support/client.ts'
import { expectCommonHeaders, expectProblem } from '../support/expect.ts'
import { tokensOf } from '../support/one-time.ts'
import { recordedOf } from '../support/recorded.ts'
import { redeemsToken } from '../support/redeeming.ts'
import { useLentService } from '../support/service.ts'
import { sessionRow } from '../support/sessions.ts'

const service = useLentService()

redeemsToken(service, { path: '/v1/email/change/revert', purpose: 'revert_email', status: 204 })

type Taker = { client: Awaited<ReturnType<typeof newClient>>; tokens: Tokens }

/** Both confirmations of a change, as the reader of both mailboxes gives them. */
async function move({ client, tokens }: Taker, email: string) {
  await client.call('/v1/email/change', { bearer: tokens.access_token, json: { email } })
  for (const purpose of ['change_email_old', 'change_email_new'] as const) {
    const { token } = await client.mailed(purpose, tokens)
    expect((await client.call('/v1/email/change/confirm', { json: { token } })).status).toBe(200)
  }
  return (await client.mailed('revert_email', tokens)).token
}

/** An account whose address was changed, and the link that its old address was mailed. */
async function newMoved() {
  const client = await newClient(service())
  const { email, tokens } = await client.signUp()
  const moved = newEmail()
  const token = await move({ client, tokens }, moved)
  const revert = (presented = token) => client.call('/v1/email/change/revert', { json: { token: presented } })
  return { client, email, moved, tokens, token, revert }
}

const factorsOf = async (id: string) =>
  (
    await service().sql(
      `select (select count(*)::int from totp_factors where user_id = $1) as apps,
         (select count(*)::int from recovery_codes where user_id = $1) as codes, second_factor_since as since
       from users where id = $1`,
      [id],
    )
  )[0]

const emailOf = async (id: string) =>
  (
    await service().sql(
      'select email, email_verified_at is not null as verified, deleted_at from users where id = $1',
      [id],
    )
  )[0]

describe('accepts', () => {
  test('gives the account its old address back, and ends everything that opened it meanwhile', async () => {
    const { client, email, moved, tokens, revert } = await newMoved()
    const thief = await client.signIn(moved)
    const reset = await client.plant('reset_password', { user: { ...tokens.user, email: moved } })
    const answer = await revert()
    expect(answer).toMatchObject({ status: 204, body: '' })
    expectCommonHeaders(answer)
    expect(await emailOf(tokens.user.id)).toEqual({ email, verified: true, deleted_at: null })
    for (const { access_token, refresh_token, session } of [tokens, thief]) {
      expectProblem(await client.me(access_token), 'invalid_token')
      expectProblem(await client.refresh(refresh_token), 'invalid_grant')
      expect(await sessionRow(service(), session.id)).toMatchObject({ revoke_reason: 'secured' })
    }
    for (const address of [email, moved]) expectProblem(await client.login(address), 'invalid_credentials')
    const json = { token: reset.token, password: 'the password of Eve' }
    expectProblem(await client.call('/v1/password/reset', { json }), 'invalid_one_time_token')
    const { id } = tokens.user
    const ended = expect.arrayContaining([tokens.session.id, thief.session.id])
    expect(await recordedOf(service(), id, 'email.reverted')).toEqual([
      { actor: id, data: { session_ids: ended } },
    ])
  })

  test('leads back in by a new password', async () => {
    const { client, email, tokens, revert } = await newMoved()
    await revert()
    expect((await client.call('/v1/password/forgot', { json: { email } })).status).toBe(202)
    const { token } = await client.mailed('reset_password', tokens)
    const json = { token, password: 'another battery staple' }
    expect((await client.call('/v1/password/reset', { json })).status).toBe(204)
    expect((await client.login(email, json.password)).body.user.id).toBe(tokens.user.id)
  })

  test('until 72 hours have passed, and not after', async () => {
    const { tokens, moved, revert } = await newMoved()
    const leave = (seconds: number) =>
      service().sql(
        `update one_time_tokens set expires_at = now() + make_interval(secs => $2)
         where user_id = $1 and purpose = 'revert_email'`,
        [tokens.user.id, seconds],
      )
    await leave(-1)
    expectProblem(await revert(), 'invalid_one_time_token')
    expect(await emailOf(tokens.user.id)).toMatchObject({ email: moved })
    await leave(30)
    expect((await revert()).status).toBe(204)
  })
})

describe('refuses', () => {
  test('an address that another account has proved by now, and uses nothing up', async () => {
    const { client, email, moved, tokens, revert } = await newMoved()
    const { body: successor } = await client.register(email)
    await service().sql('update users set email_verified_at = now() where id = $1', [successor.user.id])
    expectProblem(await revert(), 'email_taken')
    expect(await emailOf(tokens.user.id)).toMatchObject({ email: moved })
    expect((await client.me(tokens.access_token)).status, 'nothing of the statement has happened').toBe(200)
    await service().sql('update users set deleted_at = now() where id = $1', [successor.user.id])
    expect((await revert()).status).toBe(204)
  })

  test('an account that is erased', async () => {
    const { tokens, revert } = await newMoved()
    await service().sql('update users set deleted_at = now(), erased_at = now() where id = $1', [
      tokens.user.id,
    ])
    expectProblem(await revert(), 'invalid_one_time_token')
  })
})

describe('attacks', () => {
  test('factors 8: an app that was added after the change goes with it, also in the place of an older one; the owner signs in without it', async () => {
    const { client, email, tokens, revert } = await newMoved()
    await enrol(service(), client, { email, tokens })
    expect((await revert()).status).toBe(204)
    expect(await factorsOf(tokens.user.id)).toEqual({ apps: 0, codes: 0, since: null })
    await client.call('/v1/password/forgot', { json: { email } })
    const { token } = await client.mailed('reset_password', tokens)
    const password = 'another battery staple'
    await client.call('/v1/password/reset', { json: { token, password } })
    expect((await client.login(email, password)).body).toHaveProperty('access_token')
  })

  test('factors 8: an app that the account had before the change is asked for still; recovery codes made since are void', async () => {
    const client = await newClient(service())
    const account = await client.signUp()
    await enrol(service(), client, account)
    const token = await move({ client, tokens: account.tokens }, newEmail())
    await service().sql(
      `insert into recovery_codes (id, tenant_id, user_id, sealed_hash)
       select gen_random_uuid(), tenant_id, id, 'x' from users where id = $1`,
      [account.tokens.user.id],
    )
    expect((await client.call('/v1/email/change/revert', { json: { token } })).status).toBe(204)
    expect(await factorsOf(account.tokens.user.id)).toEqual({ apps: 1, codes: 10, since: expect.any(Date) })
  })

  test.each([
    [
      'changes the password',
      async ({ client, tokens }: Taker) => {
        const json = { current_password: PASSWORD, new_password: 'the password of Eve' }
        await client.call('/v1/password/change', { bearer: tokens.access_token, json })
      },
    ],
    [
      'resets the password',
      async ({ client, tokens }: Taker) => {
        const { body } = await client.me(tokens.access_token)
        const { token } = await client.plant('reset_password', {
          user: { ...tokens.user, email: body.email },
        })
        const json = { token, password: 'the password of Eve' }
        expect((await client.call('/v1/password/reset', { json })).status).toBe(204)
      },
    ],
    ['moves on to a third address', async (taker: Taker) => void (await move(taker, newEmail()))],
    [
      'moves on, and undoes that again',
      async (taker: Taker) => {
        const json = { token: await move(taker, newEmail()) }
        expect((await taker.client.call('/v1/email/change/revert', { json })).status).toBe(204)
      },
    ],
    [
      'closes the account',
      async ({ client, tokens }: Taker) => {
        const answer = await client.call('/v1/me', { method: 'DELETE', bearer: tokens.access_token })
        expect(answer.status).toBe(204)
      },
    ],
  ])('a thief who %s does not outrun the owner', async (_, steal) => {
    const { client, email, tokens, revert } = await newMoved()
    await steal({ client, tokens })
    expect((await revert()).status).toBe(204)
    expect(await emailOf(tokens.user.id)).toEqual({ email, verified: true, deleted_at: null })
    expectProblem(await client.me(tokens.access_token), 'invalid_token')
    expectProblem(await client.login(email, 'the password of Eve'), 'invalid_credentials')
    const alive = (await tokensOf(service(), client.tenant)).filter(({ consumed_at }) => consumed_at === null)
    expect(alive, 'nor does any link of theirs undo it').toEqual([])
  })
})
