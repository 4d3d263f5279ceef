/** In the browser that registered, a mailed link keeps what was chosen there; in every other it keeps nothing unasked. */
import { describe, expect, test } from 'vitest'
import { type Client, countBy, createClient, newClient, newEmail, PASSWORD, race } from '../support/client.ts'
import { expectInvalidInput, expectProblem } from '../support/expect.ts'
import { recordedOf } from '../support/recorded.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
const NEW_PASSWORD = 'another battery staple'
const COOKIE =
  /^__Host-latchkey-registration=([A-Za-z0-9_-]{43}(?:\.[A-Za-z0-9_-]{43}){0,3}); Max-Age=86400; Path=\/; HttpOnly; Secure; SameSite=Lax$/

const newVerifying = () => newClient(service(), { settings: { registration: 'verify-first' } })

/** @param cookie what the browser has already */
async function registerIn(client: Client, email: string, { password = PASSWORD, cookie = '' } = {}) {
  const { status, headers } = await client.call('/v1/register', {
    json: { email, password },
    headers: { cookie },
  })
  expect(status).toBe(202)
  const [set = '', ...more] = headers.getSetCookie()
  expect(more).toEqual([])
  expect(set).toMatch(COOKIE)
  return { cookie: set.split(';')[0] ?? '', value: COOKIE.exec(set)?.[1] ?? '' }
}

async function mailedTo(client: Client, email: string) {
  const [user] = await service().sql<{ id: string }>(
    'select id from users where tenant_id = $1 and email = $2 and deleted_at is null',
    [client.tenant.id, email],
  )
  if (!user) throw new Error('there is no such account')
  const { token } = await client.mailed('verify_email', { user: { id: user.id } as never })
  return { id: user.id, token }
}

const verify = (client: Client, json: object, cookie = '') =>
  client.call('/v1/email/verify', { json, headers: { cookie } })

describe('newcomer 16: in the browser that registered', () => {
  test('the link alone keeps the password', async () => {
    const client = await newVerifying()
    const email = newEmail()
    const { cookie } = await registerIn(client, email)
    const { id, token } = await mailedTo(client, email)
    const { body } = await verify(client, { token }, cookie)
    expect(body).toEqual({ status: 'verified', password: 'kept' })
    expect((await client.login(email)).status).toBe(200)
    const [event] = await recordedOf(service(), id, 'email.verified')
    expect(event?.data).toEqual({ by: 'verify_email', password: 'kept', session_ids: [] })
  })

  test('a password that is given is checked all the same', async () => {
    const client = await newVerifying()
    const email = newEmail()
    const { cookie } = await registerIn(client, email)
    const { token } = await mailedTo(client, email)
    expectProblem(await verify(client, { token, password: NEW_PASSWORD }, cookie), 'invalid_credentials')
    expect((await verify(client, { token, password: PASSWORD }, cookie)).status).toBe(200)
  })

  test('who registers again, or someone else too, keeps what they had', async () => {
    const client = await newVerifying()
    const email = newEmail()
    let { cookie } = await registerIn(client, email)
    for (const next of [email, newEmail(), newEmail()])
      cookie = (await registerIn(client, next, { cookie })).cookie
    const { token } = await mailedTo(client, email)
    expect((await verify(client, { token }, cookie)).body).toMatchObject({ password: 'kept' })
  })

  test('the cookie keeps the last four registrations, however many there were', async () => {
    const client = await newVerifying()
    let { cookie } = await registerIn(client, newEmail())
    for (let more = 0; more < 5; more++) cookie = (await registerIn(client, newEmail(), { cookie })).cookie
    expect(cookie.split('.')).toHaveLength(4)
    const endless = `${cookie}${`.${'A'.repeat(43)}`.repeat(100)}`
    expect((await registerIn(client, newEmail(), { cookie: endless })).value).toHaveLength(43)
  })

  test('a repeat with the same Idempotency-Key gives the same cookie, which keeps the password', async () => {
    const client = await newVerifying()
    const email = newEmail()
    const json = { email, password: PASSWORD }
    const headers = { 'idempotency-key': crypto.randomUUID() }
    const [first, second] = [
      await client.call('/v1/register', { json, headers }),
      await client.call('/v1/register', { json, headers }),
    ]
    expect(second.headers.getSetCookie()).toEqual(first.headers.getSetCookie())
    const cookie = second.headers.getSetCookie()[0]?.split(';')[0]
    const { token } = await mailedTo(client, email)
    expect((await verify(client, { token }, cookie)).body).toMatchObject({ password: 'kept' })
  })
})

describe('newcomer 16: a new password with the proof', () => {
  test('takes the place of the one that was chosen, and is no reset that would be mailed', async () => {
    const client = await newVerifying()
    const email = newEmail()
    await registerIn(client, email)
    const { id, token } = await mailedTo(client, email)
    const { status, body } = await verify(client, { token, new_password: NEW_PASSWORD })
    expect({ status, body }).toEqual({ status: 200, body: { status: 'verified', password: 'set' } })
    expectProblem(await client.login(email), 'invalid_credentials')
    expect((await client.login(email, NEW_PASSWORD)).body.user).toMatchObject({ id, email_verified: true })
    const [event] = await recordedOf(service(), id, 'password.changed')
    expect(event?.data).toEqual({ by: 'verify_email', session_ids: [] })
    expectProblem(await verify(client, { token, new_password: PASSWORD }), 'invalid_one_time_token')
  })

  test('is held to the policy, goes with no other, and what is refused uses nothing up', async () => {
    const client = await newVerifying()
    const email = newEmail()
    await registerIn(client, email)
    const { token } = await mailedTo(client, email)
    const choose = (new_password: unknown, more = {}) => verify(client, { token, new_password, ...more })
    expectInvalidInput(await choose('short'), { '/new_password': 'too_short' })
    expectInvalidInput(await choose(null), { '/new_password': 'wrong_type' })
    expectInvalidInput(await choose(NEW_PASSWORD, { password: PASSWORD }), {
      '/new_password': 'not_with_password',
    })
    expectProblem(await choose('password'), 'password_compromised')
    expectProblem(await choose(email), 'password_compromised')
    expect((await choose(NEW_PASSWORD)).status).toBe(200)
  })

  test('is refused for an address that is proved already: such a link lives for longer than that of a reset', async () => {
    const client = await newVerifying()
    const email = newEmail()
    await registerIn(client, email)
    const { id, token } = await mailedTo(client, email)
    await service().sql('update users set email_verified_at = now() where id = $1', [id])
    expectProblem(await verify(client, { token, new_password: NEW_PASSWORD }), 'invalid_one_time_token')
    expect((await client.login(email)).status).toBe(200)
  })

  test('of 50 proofs at once, kept, set and removed, one is done', async () => {
    const client = await newVerifying()
    const email = newEmail()
    const { cookie } = await registerIn(client, email)
    const { token } = await mailedTo(client, email)
    const answers = await race(50, (index) =>
      index % 3 === 0
        ? verify(client, { token, new_password: NEW_PASSWORD })
        : verify(client, { token }, index % 3 === 1 ? cookie : ''),
    )
    const counted = countBy(answers, ({ status }) => status)
    expect(counted[200]).toBe(1)
    expect((counted[400] ?? 0) + (counted[503] ?? 0), 'the others, or too many hashes at once').toBe(49)
  })
})

describe('newcomer 16: attacks', () => {
  /** The browser that opens the link has the cookie of `browser`; then no password of the attacker opens the account. */
  async function expectLost(client: Client, email: string, cookie: string) {
    const { token } = await mailedTo(client, email)
    expect((await verify(client, { token }, cookie)).body).toEqual({
      status: 'verified',
      password: 'removed',
    })
    expectProblem(await client.login(email), 'invalid_credentials')
  }

  test('who registers the address of a victim in their own browser has no password once the victim opens the link', async () => {
    const attacker = await newVerifying()
    const email = newEmail()
    await registerIn(attacker, email)
    await expectLost(createClient(service(), attacker.tenant), email, '')
  })

  test('nor when the victim registers too, afterwards and in their own browser', async () => {
    const attacker = await newVerifying()
    const victim = createClient(service(), attacker.tenant)
    const email = newEmail()
    await registerIn(attacker, email)
    const { cookie } = await registerIn(victim, email, { password: NEW_PASSWORD })
    const { token } = await mailedTo(victim, email)
    const given = await verify(victim, { token, password: NEW_PASSWORD }, cookie)
    expectProblem(given, 'invalid_credentials')
    await expectLost(victim, email, cookie)
    expectProblem(await victim.login(email, NEW_PASSWORD), 'invalid_credentials')
  })

  test('nor with the cookie of another account, of another tenant’s host, a forged one, or two', async () => {
    const other = await newVerifying()
    const foreign = (await registerIn(other, newEmail())).cookie
    const name = '__Host-latchkey-registration'
    for (const cookieOf of [
      () => foreign,
      () => `${name}=${'A'.repeat(43)}`,
      () => `${name}=`,
      (own: string) => `${own}; ${own}`,
      (own: string) => own.slice(0, -1),
      (own: string) => own.replace(`${name}=`, `${name}=${'A'.repeat(44 * 4)}.`),
      (own: string) => own.replace('__Host-', '__Host_'),
    ]) {
      const client = await newVerifying()
      const email = newEmail()
      const { cookie } = await registerIn(client, email)
      await expectLost(client, email, cookieOf(cookie))
    }
  })

  test('the cookie opens nothing without the link', async () => {
    const client = await newVerifying()
    const email = newEmail()
    const { cookie } = await registerIn(client, email)
    const token = `lko_${'A'.repeat(43)}`
    expectProblem(await verify(client, { token }, cookie), 'invalid_one_time_token')
    const signIn = { json: { email, password: PASSWORD }, headers: { cookie } }
    expectProblem(await client.call('/v1/login', signIn), 'invalid_credentials')
  })

  test('whether an address has an account is not told by the cookie: each is 43 characters that never come twice', async () => {
    const client = await newVerifying()
    const [unknown, unproved, proved, disabled] = [newEmail(), newEmail(), newEmail(), newEmail()]
    for (const email of [unproved, proved, disabled]) await registerIn(client, email)
    const mark = (column: string, email: string) =>
      service().sql(`update users set ${column} where tenant_id = $1 and email = $2`, [
        client.tenant.id,
        email,
      ])
    await mark('email_verified_at = now()', proved)
    await mark(`status = 'disabled'`, disabled)
    const values: string[] = []
    for (const email of [unknown, unproved, proved, disabled, unproved, proved]) {
      const { value } = await registerIn(client, email)
      expect(value).toHaveLength(43)
      values.push(value)
    }
    expect(new Set(values).size).toBe(values.length)
  })
})
