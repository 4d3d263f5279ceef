import { describe, expect, test } from 'vitest'
import { claimsOf } from '../support/claims.ts'
import { newClient, type Tokens } from '../support/client.ts'
import { expectCommonHeaders, expectInvalidInput, expectProblem } from '../support/expect.ts'
import { recordedOf } from '../support/recorded.ts'
import { redeemsToken } from '../support/redeeming.ts'
import { type TenantOptions, useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

redeemsToken(service, {
  path: '/v1/email/link/verify',
  purpose: 'sign_in',
  rest: { transport: 'token' },
  status: 200,
  inBrowser: true,
})

const BROWSER = { 'sec-fetch-site': 'same-origin' }
const APP = 'https://app.example.com'

/** A browser that has asked for a link, and keeps what it was given. */
async function newAsker(options?: TenantOptions) {
  const client = await newClient(service(), options)
  const { email, tokens } = await client.signUp()
  const ask = async () => {
    const { headers } = await client.call('/v1/email/code', { json: { email }, headers: BROWSER })
    return headers.getSetCookie()[0]?.split(';')[0] ?? ''
  }
  const cookie = await ask()
  const { token } = await client.mailed('sign_in', tokens)
  const open = (
    headers: Record<string, string> = { ...BROWSER, cookie },
    rest: object = {},
    presented = token,
  ) => client.call<Tokens>('/v1/email/link/verify', { json: { token: presented, ...rest }, headers })
  return { client, email, tokens, token, cookie, ask, open }
}

const isUsed = async (tokens: Tokens) =>
  (
    await service().sql('select consumed_at is not null as used from one_time_tokens where user_id = $1', [
      tokens.user.id,
    ])
  )[0]?.used

describe('accepts', () => {
  test('the link in the browser that asked: it is signed in, known from now on, and its challenge is over', async () => {
    const { client, tokens, open } = await newAsker()
    const answer = await open()
    expect(answer.status).toBe(200)
    expectCommonHeaders(answer)
    expect(answer.headers.getSetCookie()).toEqual([
      expect.stringMatching(
        /^__Host-latchkey-device=[\w-]{43}; Max-Age=15552000; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
      ),
      '__Host-latchkey-challenge=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax',
    ])
    expect(answer.body).toMatchObject({
      refresh_token: expect.stringMatching(/^lkr_/),
      user: { ...tokens.user, email_verified: true },
    })
    expect(claimsOf(answer.body.access_token)).toMatchObject({
      sub: tokens.user.id,
      amr: ['otp'],
      acr: 'aal1',
    })
    expect((await client.me(answer.body.access_token)).status).toBe(200)
    const [verified] = await recordedOf(service(), tokens.user.id, 'email.verified')
    expect(verified?.data).toEqual({ by: 'sign_in', password: 'removed', session_ids: [tokens.session.id] })
  })

  test('with the cookie transport, and puts the refresh token there alone', async () => {
    const { cookie, open } = await newAsker()
    const { body, headers } = await open({ ...BROWSER, cookie }, { transport: 'cookie' })
    expect(body).not.toHaveProperty('refresh_token')
    expect(headers.getSetCookie()[0]).toMatch(/^__Host-latchkey=lkr_/)
  })

  test('a page of an origin that the tenant allows', async () => {
    const { cookie, open } = await newAsker({ allowedOrigins: [APP] })
    expect((await open({ origin: APP, 'sec-fetch-site': 'cross-site', cookie })).status).toBe(200)
  })

  test('beside other cookies, whatever they are', async () => {
    const { cookie, open } = await newAsker()
    expect((await open({ ...BROWSER, cookie: `theme=dark; ${cookie}; other=1` })).status).toBe(200)
  })
})

describe('refuses', () => {
  test('a browser that did not ask, and uses nothing up: a forwarded link opens nothing', async () => {
    const { tokens, open } = await newAsker()
    const other = await newAsker()
    for (const headers of [
      BROWSER,
      { ...BROWSER, cookie: other.cookie },
      { ...BROWSER, cookie: `__Host-latchkey-challenge=${'A'.repeat(43)}` },
      { ...BROWSER, cookie: '__Host-latchkey-challenge=' },
    ]) {
      const { detail } = expectProblem(await open(headers), 'invalid_one_time_token')
      expect(detail).toContain('in the browser that requested it')
    }
    expect(await isUsed(tokens)).toBe(false)
    expect((await open()).status).toBe(200)
  })

  test('a cookie that is sent twice: one of them was planted', async () => {
    const { tokens, cookie, open } = await newAsker()
    const planted = `__Host-latchkey-challenge=${'A'.repeat(43)}; ${cookie}`
    expectProblem(await open({ ...BROWSER, cookie: planted }), 'invalid_one_time_token')
    expect(await isUsed(tokens)).toBe(false)
  })

  test('the cookie of an earlier question of the same browser with the newer link, and the other way round', async () => {
    const { client, tokens, token, cookie, ask, open } = await newAsker()
    const newer = await ask()
    const { token: newest } = await client.mailed('sign_in', tokens)
    expectProblem(await open({ ...BROWSER, cookie }, {}, newest), 'invalid_one_time_token')
    expectProblem(await open({ ...BROWSER, cookie: newer }, {}, token), 'invalid_one_time_token')
    expect((await open({ ...BROWSER, cookie: newer }, {}, newest)).status).toBe(200)
  })

  test('a link whose code was used, and a code whose link was', async () => {
    const one = await newAsker()
    const { code } = await one.client.mailed('sign_in', one.tokens)
    const byCode = { json: { email: one.email, code } }
    expect((await one.client.call('/v1/email/code/verify', byCode)).status).toBe(200)
    expectProblem(await one.open(), 'invalid_one_time_token')
    const two = await newAsker()
    const { code: other } = await two.client.mailed('sign_in', two.tokens)
    expect((await two.open()).status).toBe(200)
    const late = await two.client.call('/v1/email/code/verify', { json: { email: two.email, code: other } })
    expectProblem(late, 'invalid_code')
  })

  test('a transport that there is not', async () => {
    const { cookie, open } = await newAsker()
    expectInvalidInput(await open({ ...BROWSER, cookie }, { transport: 'pigeon' }), {
      '/transport': 'not_allowed',
    })
  })
})

describe('attacks', () => {
  test('a cookie is not heard of a page that does not show that it may call (CASES J04)', async () => {
    const { tokens, cookie, open } = await newAsker({ allowedOrigins: [APP] })
    const pages: Record<string, string>[] = [
      {},
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
      { origin: 'null', 'sec-fetch-site': 'same-origin' },
      { origin: 'https://evil.test', 'sec-fetch-site': 'same-origin' },
      { origin: APP.replace('https', 'http') },
    ]
    for (const page of pages) expectProblem(await open({ ...page, cookie }), 'origin_not_allowed')
    expect(await isUsed(tokens)).toBe(false)
    expect((await open()).status).toBe(200)
  })

  test("verifying another person's link does not touch who is signed in (CASES C12)", async () => {
    const one = await newAsker()
    const { body, headers } = await one.client.login(one.email, undefined, { transport: 'cookie' })
    const signedIn = headers.getSetCookie()[0]?.split(';')[0] ?? ''
    const eve = await one.client.signUp()
    const foreign = await one.client.plant('sign_in', eve.tokens)
    const answer = await one.open({ ...BROWSER, cookie: `${signedIn}; ${one.cookie}` }, {}, foreign.token)
    expectProblem(answer, 'invalid_one_time_token')
    expect((await one.client.me(body.access_token)).body.id).toBe(one.tokens.user.id)
  })

  test('the link of an address that the account has no longer opens nothing', async () => {
    const { tokens, open } = await newAsker()
    await service().sql(`update users set email = 'moved-' || email where id = $1`, [tokens.user.id])
    expectProblem(await open(), 'invalid_one_time_token')
  })
})
