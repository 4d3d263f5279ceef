import { describe, expect, test } from 'vitest'
import { setFailures } from '../support/attempts.ts'
import { claimsOf } from '../support/claims.ts'
import {
  type Client,
  countBy,
  createClient,
  newClient,
  newEmail,
  PASSWORD,
  race,
  randomAddress,
  type Tokens,
} from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders, expectInvalidInput, expectProblem } from '../support/expect.ts'
import { recordedOf } from '../support/recorded.ts'
import { type Service, useLentService } from '../support/service.ts'
import { expectRateLimited, inOneWindow } from '../support/windows.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
const limited = useLentService({ beside: service, bindings: { LIMITS_MULTIPLIER: '1' } })

everyRoute(service, {
  method: 'POST',
  path: '/v1/email/code/verify',
  allow: 'POST',
  caller: 'anyone',
  json: { email: 'someone@example.com', code: '123456', transport: 'token' },
})

const redeem = (client: Client, email: string, code: unknown, rest: object = {}, headers = {}) =>
  client.call<Tokens>('/v1/email/code/verify', { json: { email, code, ...rest }, headers })

/** Someone who has asked for a code. */
async function newAsker(on: Service = service()) {
  const client = createClient(on, await service().newTenant())
  const { email, tokens } = await client.newAccount()
  const ask = async () => {
    expect((await client.call('/v1/email/code', { json: { email } })).status).toBe(202)
    return client.mailed('sign_in', tokens)
  }
  return { client, email, tokens, ask, ...(await ask()) }
}

/** Any code but this one. */
const wrong = (code: string, by = 1) => String((Number(code) + by) % 1_000_000).padStart(6, '0')

const challengeOf = async (email: string) =>
  (
    await service().sql(
      `select attempts, failures, consumed_at is not null as consumed from one_time_tokens
       where purpose = 'sign_in' and user_id = (select id from users where email = $1)`,
      [email],
    )
  )[0]

describe('accepts', () => {
  test('the code, in any browser, for tokens of a session of its own', async () => {
    const { client, email, tokens, code } = await newAsker()
    const answer = await redeem(createClient(service(), client.tenant), email.toUpperCase(), code)
    expect(answer.status).toBe(200)
    expectCommonHeaders(answer)
    expect(answer.headers.get('set-cookie'), 'no browser asked').toBeNull()
    expect(answer.body).toMatchObject({
      refresh_token: expect.stringMatching(/^lkr_/),
      user: { ...tokens.user, email_verified: true },
    })
    expect(answer.body.session.id).not.toBe(tokens.session.id)
    expect(claimsOf(answer.body.access_token)).toMatchObject({
      sub: tokens.user.id,
      amr: ['otp'],
      acr: 'aal1',
    })
    expect((await client.me(answer.body.access_token)).status).toBe(200)
    expect((await client.refresh(answer.body.refresh_token)).status).toBe(200)
    const [, started] = await recordedOf(service(), tokens.user.id, 'session.started')
    expect(started).toMatchObject({ data: { session_id: answer.body.session.id, amr: ['otp'] } })
  })

  test('the code as people type it, with blanks and hyphens', async () => {
    const { client, email, ask } = await newAsker()
    for (const typed of [
      (code: string) => `${code.slice(0, 3)} ${code.slice(3)}`,
      (code: string) => `${code.slice(0, 3)}-${code.slice(3)}`,
      (code: string) => ` ${[...code].join(' ')} `,
    ])
      expect((await redeem(client, email, typed((await ask()).code))).status).toBe(200)
  })

  test('a browser: it is known from now on, and its challenge is over', async () => {
    const { client, email, tokens, code } = await newAsker()
    await service().sql('update users set email_verified_at = now() where id = $1', [tokens.user.id])
    const headers = { 'sec-fetch-site': 'same-origin', cookie: `__Host-latchkey-challenge=${'A'.repeat(43)}` }
    const answer = await redeem(client, email, code, { transport: 'cookie' }, headers)
    expect(answer.status).toBe(200)
    expect(answer.body).not.toHaveProperty('refresh_token')
    expect(answer.headers.getSetCookie()).toEqual([
      expect.stringMatching(
        /^__Host-latchkey=lkr_[\w-]{43}; Max-Age=1209600; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
      ),
      expect.stringMatching(
        /^__Host-latchkey-device=[\w-]{43}; Max-Age=15552000; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
      ),
      '__Host-latchkey-challenge=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax',
    ])
    const [, device = ''] = answer.headers.getSetCookie()
    await setFailures(service(), { tenant: client.tenant, email }, 100)
    const login = (cookie: string) =>
      client.call('/v1/login', {
        json: { email, password: PASSWORD },
        headers: { 'sec-fetch-site': 'same-origin', cookie },
      })
    expectProblem(await login('theme=dark'), 'password_disabled')
    expect((await login(device.split(';')[0] ?? '')).status, 'strangers do not stop it').toBe(200)
  })

  test('the first proof of an address, which takes with it whatever was there before (pre-hijacking)', async () => {
    const { client, email, tokens, code } = await newAsker()
    const planted = await client.plant('reset_password', tokens)
    const { body } = await redeem(client, email, code)
    expectProblem(await client.me(tokens.access_token), 'invalid_token')
    expectProblem(await client.login(email), 'invalid_credentials')
    const json = { token: planted.token, password: 'the password of Eve' }
    expectProblem(await client.call('/v1/password/reset', { json }), 'invalid_one_time_token')
    expect((await client.me(body.access_token)).body).toMatchObject({ email, email_verified: true })
    expect(await recordedOf(service(), tokens.user.id, 'email.verified')).toEqual([
      {
        actor: tokens.user.id,
        data: { by: 'sign_in', password: 'removed', session_ids: [tokens.session.id] },
      },
    ])
  })

  test('an account whose address is proved, and takes nothing from it', async () => {
    const { client, email, tokens, code } = await newAsker()
    await service().sql('update users set email_verified_at = now() where id = $1', [tokens.user.id])
    expect((await redeem(client, email, code)).status).toBe(200)
    expect((await client.me(tokens.access_token)).status).toBe(200)
    expect((await client.login(email)).status).toBe(200)
    expect(await recordedOf(service(), tokens.user.id, 'email.verified')).toEqual([])
  })

  test('where the account has no password at all', async () => {
    const { client, email, tokens, code } = await newAsker()
    await service().sql('delete from passwords where user_id = $1', [tokens.user.id])
    expect((await redeem(client, email, code)).status).toBe(200)
    const [verified] = await recordedOf(service(), tokens.user.id, 'email.verified')
    expect(verified?.data).toMatchObject({ password: 'none' })
  })
})

describe('refuses', () => {
  test('a code that was used', async () => {
    const { client, email, code } = await newAsker()
    expect((await redeem(client, email, code)).status).toBe(200)
    expectProblem(await redeem(client, email, code), 'invalid_code')
  })

  test('a code that has expired, is replaced, is of another account, or that does not exist', async () => {
    const { client, email, tokens, ask, code: first } = await newAsker()
    const { code } = await ask()
    if (first !== code) expectProblem(await redeem(client, email, first), 'invalid_code')
    const { email: neighbour, tokens: theirs } = await client.newAccount()
    const planted = await client.plant('sign_in', theirs)
    if (planted.code !== code) expectProblem(await redeem(client, email, planted.code), 'invalid_code')
    if (planted.code !== code) expectProblem(await redeem(client, neighbour, code), 'invalid_code')
    expectProblem(await redeem(client, newEmail(), code), 'invalid_code')
    await service().sql(
      `update one_time_tokens set expires_at = now() - interval '1 second' where user_id = $1`,
      [tokens.user.id],
    )
    expectProblem(await redeem(client, email, code), 'invalid_code')
    expect(await recordedOf(service(), tokens.user.id, 'session.started')).toHaveLength(1)
  })

  test.each([
    ['disabled', `update users set status = 'disabled' where id = $1`],
    ['closed', 'update users set deleted_at = now() where id = $1'],
  ])('the right code of an account that is %s', async (_, change) => {
    const { client, email, tokens, code } = await newAsker()
    await service().sql(change, [tokens.user.id])
    expectProblem(await redeem(client, email, code), 'invalid_code')
  })

  test('what is no code, and counts no attempt', async () => {
    const { client, email } = await newAsker()
    for (const code of ['', '12345', '1234567', 'abcdef', '12345６', '12345.', '1e5000'])
      expectInvalidInput(await redeem(client, email, code), { '/code': 'invalid_code' })
    for (const code of [null, 123456, ['123456'], { $gt: '' }])
      expectInvalidInput(await redeem(client, email, code), { '/code': 'wrong_type' })
    expect(await challengeOf(email)).toMatchObject({ attempts: 0 })
  })

  test('the 16th try from one network at one address within a quarter of an hour, with an account or without', async () => {
    await inOneWindow(900, async () => {
      const { client, email } = await newAsker(limited())
      for (const address of [email, newEmail()]) {
        const network = randomAddress()
        const attempt = () => redeem(createClient(limited(), client.tenant, network), address, '000000')
        const answers = await race(15, attempt)
        expect(countBy(answers, ({ status }) => status)).toEqual({ 401: 15 })
        expectRateLimited(await attempt(), 'account_address', 15, 900)
      }
    })
  })
})

describe('guesses', () => {
  test('end a challenge after five, the right code after them included; a new one is heard again', async () => {
    const { client, email, ask, code } = await newAsker()
    for (let guess = 1; guess <= 5; guess++)
      expectProblem(await redeem(client, email, wrong(code, guess)), 'invalid_code')
    expectProblem(await redeem(client, email, code), 'invalid_code')
    expect(await challengeOf(email)).toEqual({ attempts: 5, failures: 5, consumed: false })
    const { code: next } = await ask()
    expect(await challengeOf(email)).toMatchObject({ attempts: 0, failures: 5 })
    expect((await redeem(client, email, next)).status).toBe(200)
    expect(await challengeOf(email)).toMatchObject({ failures: 0, consumed: true })
  })

  test('made at once are five: the right code comes too late for those', async () => {
    const { client, email, code } = await newAsker()
    const answers = await race(20, (index) => redeem(client, email, wrong(code, index + 1)))
    expect(countBy(answers, ({ status }) => status)).toEqual({ 401: 20 })
    expect(await challengeOf(email)).toEqual({ attempts: 5, failures: 5, consumed: false })
    expectProblem(await redeem(client, email, code), 'invalid_code')
  })

  test('at once with the right code sign in at most once, and only if five wrong ones were not heard before', async () => {
    const { client, email, code } = await newAsker()
    const answers = await race(20, (index) =>
      redeem(client, email, index === 10 ? code : wrong(code, index + 1)),
    )
    const { 200: heard = 0 } = countBy(answers, ({ status }) => status)
    const over = { attempts: 5, failures: 5, consumed: false }
    expect(await challengeOf(email)).toMatchObject(heard === 1 ? { failures: 0, consumed: true } : over)
  })

  test('over any number of challenges end with the hundredth: then the link alone signs in', async () => {
    const { client, email, ask } = await newAsker()
    await service().sql(
      `update one_time_tokens set failures = 99 where purpose = 'sign_in' and user_id = (select id from users where email = $1)`,
      [email],
    )
    const { code } = await ask()
    expectProblem(await redeem(client, email, wrong(code)), 'invalid_code')
    expect(await challengeOf(email)).toMatchObject({ failures: 100 })
    expectProblem(await redeem(client, email, code), 'invalid_code')

    const asked = await client.call('/v1/email/code', { json: { email } })
    const { user } = await ownerOf(email)
    const last = await client.mailed('sign_in', { user })
    expectProblem(await redeem(client, email, last.code), 'invalid_code')
    const cookie = asked.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    const byLink = await client.call('/v1/email/link/verify', {
      json: { token: last.token },
      headers: { cookie, 'sec-fetch-site': 'same-origin' },
    })
    expect(byLink.status).toBe(200)
    expect((await redeem(client, email, (await ask()).code)).status, 'which makes codes good again').toBe(200)
  })

  const ownerOf = async (email: string) => {
    const [user] = await service().sql<Tokens['user']>('select id, email from users where email = $1', [
      email,
    ])
    if (!user) throw new Error('no one has that address')
    return { user }
  }

  test('at an address without an account are counted alike, and never right', async () => {
    const client = await newClient(service())
    const email = newEmail()
    await client.call('/v1/email/code', { json: { email } })
    for (let guess = 0; guess < 6; guess++)
      expectProblem(await redeem(client, email, '123456'), 'invalid_code')
    const [row] = await service().sql('select attempts, failures from one_time_tokens where tenant_id = $1', [
      client.tenant.id,
    ])
    expect(row).toEqual({ attempts: 5, failures: 5 })
  })
})

describe('attacks', () => {
  test('of 10 at once with the right code one is signed in', async () => {
    const { client, email, tokens, code } = await newAsker()
    const answers = await race(10, () => redeem(createClient(service(), client.tenant), email, code))
    expect(countBy(answers, ({ status }) => status)).toEqual({ 200: 1, 401: 9 })
    expect(await recordedOf(service(), tokens.user.id, 'session.started')).toHaveLength(2)
  })

  test('a foreign page signs no one in, and uses nothing up', async () => {
    const { client, email, code } = await newAsker()
    expectProblem(
      await redeem(client, email, code, {}, { origin: 'https://evil.test' }),
      'origin_not_allowed',
    )
    expect(await challengeOf(email)).toEqual({ attempts: 0, failures: 0, consumed: false })
    expect((await redeem(client, email, code)).status).toBe(200)
  })

  test("one tenant's code is nothing in another", async () => {
    const { client, email, code } = await newAsker()
    const elsewhere = await newClient(service())
    await elsewhere.register(email)
    expectProblem(await redeem(elsewhere, email, code), 'invalid_code')
    expect((await redeem(client, email, code)).status).toBe(200)
  })

  test('a password that someone planted while the code was on its way dies with the proof', async () => {
    const { client, email, code } = await newAsker()
    const [login, byCode] = await Promise.all([client.login(email), redeem(client, email, code)])
    expect(byCode.status).toBe(200)
    if (login.status === 200) expectProblem(await client.me(login.body.access_token), 'invalid_token')
  })
})
