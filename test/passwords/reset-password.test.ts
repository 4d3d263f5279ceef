import { afterEach, describe, expect, test } from 'vitest'
import { failuresAt, setFailures } from '../support/attempts.ts'
import { newClient, newEmail, PASSWORD } from '../support/client.ts'
import { expectCommonHeaders, expectInvalidInput, expectProblem } from '../support/expect.ts'
import { recordedOf } from '../support/recorded.ts'
import { redeemsToken } from '../support/redeeming.ts'
import { useLentService } from '../support/service.ts'
import { sessionRow } from '../support/sessions.ts'
import { expectRateLimited, inOneWindow } from '../support/windows.ts'

const service = useLentService()

afterEach(() => service().gates.redis.set('open'))

const CHOSEN = 'another battery staple'

redeemsToken(service, {
  path: '/v1/password/reset',
  purpose: 'reset_password',
  rest: { password: CHOSEN },
  status: 204,
})

async function newForgetful() {
  const client = await newClient(service())
  const { email, tokens } = await client.newAccount()
  await client.call('/v1/password/forgot', { json: { email } })
  const { token } = await client.mailed('reset_password', tokens)
  const reset = (password: unknown = CHOSEN, headers: Record<string, string> = {}) =>
    client.call('/v1/password/reset', { json: { token, password }, headers })
  return { client, email, tokens, token, reset }
}

describe('accepts', () => {
  test('sets the password, ends every session, proves the address and signs no one in', async () => {
    const { client, email, tokens, reset } = await newForgetful()
    const other = await client.signIn(email)
    const answer = await reset()
    expect(answer).toMatchObject({ status: 204, body: '' })
    expectCommonHeaders(answer)
    expect(answer.headers.get('set-cookie')).toBeNull()
    for (const { access_token, refresh_token, session } of [tokens, other]) {
      expectProblem(await client.me(access_token), 'invalid_token')
      expectProblem(await client.refresh(refresh_token), 'invalid_grant')
      expect(await sessionRow(service(), session.id)).toMatchObject({ revoke_reason: 'secured' })
    }
    expectProblem(await client.login(email, PASSWORD), 'invalid_credentials')
    const { status, body } = await client.login(email, CHOSEN)
    expect({ status, user: body.user }).toEqual({
      status: 200,
      user: { ...tokens.user, email_verified: true },
    })
  })

  test('records what happened, and that the address was proved, the first time alone', async () => {
    const { client, email, tokens, reset } = await newForgetful()
    await reset()
    const by = 'reset_password'
    const { id } = tokens.user
    const ended = [tokens.session.id]
    expect(await recordedOf(service(), id, 'email.verified')).toEqual([
      { actor: id, data: { by, password: 'set', session_ids: ended } },
    ])
    expect(await recordedOf(service(), id, 'password.changed')).toEqual([
      { actor: id, data: { by: 'reset', session_ids: ended } },
    ])
    const { token } = await client.plant(by, { user: { ...tokens.user, email } })
    const again = { json: { token, password: 'yet another staple' } }
    expect((await client.call('/v1/password/reset', again)).status).toBe(204)
    expect(await recordedOf(service(), id, 'email.verified')).toHaveLength(1)
    expect(await recordedOf(service(), id, 'password.changed')).toHaveLength(2)
  })

  test('voids every other pending link of the account, but not what undoes a change of address', async () => {
    const { client, tokens, reset } = await newForgetful()
    const rest = { subject: 'before@example.com' }
    const [code, change] = [
      await client.plant('sign_in', tokens),
      await client.plant('change_email_new', tokens),
    ]
    const revert = await client.plant('revert_email', tokens, rest)
    await reset()
    const headers = { cookie: code.cookie, 'sec-fetch-site': 'same-origin' }
    for (const [path, { token }] of [
      ['/v1/email/link/verify', code],
      ['/v1/email/change/confirm', change],
    ] as const)
      expectProblem(await client.call(path, { json: { token }, headers }), 'invalid_one_time_token')
    const { token } = revert
    expect((await client.call('/v1/email/change/revert', { json: { token } })).status).toBe(204)
  })

  test('is the way back after 100 failures, which it forgets (CASES H06)', async () => {
    const { client, email, reset } = await newForgetful()
    const at = { tenant: client.tenant, email }
    await setFailures(service(), at, 100)
    expectProblem(await client.login(email), 'password_disabled')
    expect((await reset()).status).toBe(204)
    expect(await failuresAt(service(), at)).toBe(0)
    expect((await client.login(email, CHOSEN)).status).toBe(200)
  })

  test("forgets what failed in the caller's own browser as well", async () => {
    const { client, email, reset } = await newForgetful()
    const browser = { 'sec-fetch-site': 'same-origin' }
    const json = { email, password: PASSWORD }
    const { headers } = await client.call('/v1/login', { json, headers: browser })
    const entry = /__Host-latchkey-device=([^;]+)/.exec(headers.get('set-cookie') ?? '')?.[1] ?? ''
    const nonce = Buffer.from(entry, 'base64url').subarray(0, 16).toString('base64url')
    const at = { tenant: client.tenant, email, nonce }
    await setFailures(service(), at, 100)
    await reset(CHOSEN, { cookie: `__Host-latchkey-device=${entry}` })
    expect(await failuresAt(service(), at)).toBe(0)
  })
})

describe('refuses', () => {
  test('a password that cannot be one, and the link goes on working', async () => {
    const { reset } = await newForgetful()
    for (const [password, code] of [
      ['kQ7!zp2', 'too_short'],
      ['a'.repeat(1025), 'too_long'],
      ['correct\0horse', 'invalid_characters'],
      [['another battery staple'], 'wrong_type'],
      [null, 'wrong_type'],
    ])
      expectInvalidInput(await reset(password), { '/password': String(code) })
    expect((await reset()).status).toBe(204)
  })

  test('a password that everyone tries first, and the link goes on working', async () => {
    const { email, reset, client } = await newForgetful()
    for (const password of ['password', email, email.split('@')[0], client.tenant.name])
      expectProblem(await reset(password), 'password_compromised')
    expect((await reset()).status).toBe(204)
  })

  test('the 21st call of a caller within a minute', async () => {
    await inOneWindow(60, async () => {
      const client = await newClient(service())
      const json = { token: `lko_${'A'.repeat(43)}`, password: CHOSEN }
      for (let call = 0; call < 20; call++)
        expectProblem(await client.call('/v1/password/reset', { json }), 'invalid_one_time_token')
      expectRateLimited(await client.call('/v1/password/reset', { json }), 'address', 20, 60)
    })
  })
})

describe('attacks', () => {
  test.each([
    ['their address and no token', (email: string) => ({ email, password: CHOSEN })],
    ['the id of the account', (_: string, id: string) => ({ user_id: id, token: '', password: CHOSEN })],
  ])('no caller resets a password with %s (CASES C01)', async (_, body) => {
    const { client, email, tokens } = await newForgetful()
    const answer = await client.call('/v1/password/reset', { json: body(email, tokens.user.id) })
    expectProblem(answer, 'invalid_input')
    expect((await client.login(email)).status).toBe(200)
  })

  test("no one resets someone else's password with a link of their own (CASES C01)", async () => {
    const { client, email } = await newForgetful()
    const attacker = await client.newAccount()
    const { token } = await client.plant('reset_password', attacker.tokens)
    for (const [field, value] of Object.entries({ email, user_id: attacker.tokens.user.id }))
      expectInvalidInput(
        await client.call('/v1/password/reset', { json: { token, password: CHOSEN, [field]: value } }),
        { [`/${field}`]: 'unknown_field' },
      )
    expect((await client.login(email)).status).toBe(200)
  })

  test('a link that was mailed to an address which the account no longer has opens nothing', async () => {
    const { client, email, tokens, reset } = await newForgetful()
    const moved = newEmail()
    await service().sql('update users set email = $2 where id = $1', [tokens.user.id, moved])
    expectProblem(await reset(), 'invalid_one_time_token')
    expect((await client.login(moved)).status).toBe(200)
    expect(email).not.toBe(moved)
  })

  test('a reset takes with it a session that signs in while it is under way', async () => {
    const { client, email, reset } = await newForgetful()
    const [login] = await Promise.all([client.login(email), reset()])
    if (login.status === 200) expectProblem(await client.me(login.body.access_token), 'invalid_token')
    else expectProblem(login, 'invalid_credentials')
  })
})

test('goes on while Redis is away: the way back must not close', async () => {
  const { client, email, reset } = await newForgetful()
  service().gates.redis.set('refusing')
  expect((await reset()).status).toBe(204)
  service().gates.redis.set('open')
  expect((await client.login(email, CHOSEN)).status).toBe(200)
})
