/** What strangers do at an account is not the owner's to pay: asking for mail, and guessing at codes. */
import { describe, expect, test, vi } from 'vitest'
import { LIMITS, MAIL_LIMIT } from '../../src/limits/limits.ts'
import { type Client, createClient, PASSWORD, race } from '../support/client.ts'
import { expectProblem } from '../support/problem.ts'
import { useLentService } from '../support/service.ts'
import { expectRateLimited, fill, inOneWindow, statuses, useLimited } from '../support/windows.ts'

vi.setConfig({ testTimeout: 120_000 })

const limited = useLimited()
/** Where Redis counts nothing, PostgreSQL is seen alone. */
const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

const from = (): Client => createClient(limited().service, limited().tenant)

const cookieOf = (headers: Headers, name: string) => {
  const cookie = headers.getSetCookie().find((value) => value.startsWith(`__Host-latchkey-${name}=`))
  if (!cookie) throw new Error(`no cookie ${name} was set`)
  return cookie.split(';')[0] ?? ''
}

/** An account, and the cookie of a browser that has signed in to it. */
async function newOwner() {
  const { email, tokens } = await from().newAccount()
  const { headers } = await from().call('/v1/login', {
    json: { email, password: PASSWORD },
    headers: { 'sec-fetch-site': 'same-origin' },
  })
  return { email, tokens, cookie: cookieOf(headers, 'device') }
}

describe.each([
  ['/v1/password/forgot', 'forgotPassword'],
  ['/v1/email/code', 'requestSignInCode'],
  ['/v1/email/resend', 'resendVerification'],
] as const)('accounts 8: %s', (path, operation) => {
  test('accounts 8: six strangers an hour do not make a browser that the account knows wait', async () => {
    await inOneWindow(3600, async () => {
      const { email, cookie } = await newOwner()
      const ask = (headers: Record<string, string> = {}) => from().call(path, { json: { email }, headers })
      expect(statuses(await race(50, () => ask()))).toEqual({ 202: 6, 429: 44 })
      expectRateLimited(await ask(), 'account', 6, 3600)
      expect(statuses(await race(50, () => ask({ cookie })))).toEqual({ 202: 3, 429: 47 })
      expectRateLimited(await ask({ cookie }), 'device', 3, 3600)
    })
  })

  test('accounts 8: one address is heard three times for an account, and others after it', async () => {
    await inOneWindow(3600, async () => {
      const { email } = await newOwner()
      const stranger = from()
      const answers = await race(50, () => stranger.call(path, { json: { email } }))
      expect(statuses(answers)).toEqual({ 202: 3, 429: 47 })
      expect((await from().call(path, { json: { email } })).status).toBe(202)
    })
  })

  test('accounts 8: whatever strangers and one browser ask for is mailed, so that who is refused has a link', () => {
    const { account, device } = LIMITS[operation].redis
    const registering = 2 // a link stands for half an hour
    expect(account.rate + device.rate + registering).toBeLessThanOrEqual(MAIL_LIMIT.rate)
    expect(account.seconds).toBe(MAIL_LIMIT.seconds)
  })
})

/** A challenge that a browser asked for, its code, and that browser's cookie. */
async function newChallenge() {
  const client = createClient(service(), await service().newTenant())
  const { email, tokens } = await client.newAccount()
  const asked = await client.call('/v1/email/code', { json: { email } })
  const { code, id } = await client.mailed('sign_in', tokens)
  const cookie = cookieOf(asked.headers, 'challenge')
  const answer = (text: string, headers: Record<string, string> = {}) =>
    createClient(service(), client.tenant).call('/v1/email/code/verify', {
      json: { email, code: text },
      headers,
    })
  const counted = async () => {
    const [row] = await service().sql('select attempts, own_attempts from one_time_tokens where id = $1', [
      id,
    ])
    return row
  }
  const wrong = (n: number) => String((Number(code) + n) % 1_000_000).padStart(6, '0')
  return { client, email, tokens, code, cookie, answer, counted, wrong }
}

describe('accounts 8: a code', () => {
  test('accounts 8: that strangers guessed at is dead for strangers, and alive in the browser that asked', async () => {
    const { answer, code, cookie, counted, wrong } = await newChallenge()
    const guesses = await race(50, (n) => answer(wrong(n + 1)))
    expect(statuses(guesses)).toEqual({ 401: 50 })
    expect(await counted()).toEqual({ attempts: 5, own_attempts: 0 })
    expectProblem(await answer(code), 'invalid_code')
    for (let n = 1; n <= 4; n++) expectProblem(await answer(wrong(n), { cookie }), 'invalid_code')
    expect(await counted()).toEqual({ attempts: 5, own_attempts: 4 })
    expect((await answer(code, { cookie })).status).toBe(200)
  })

  test('accounts 8: an attacker who asks for it himself has five tries in his browser, and elsewhere five', async () => {
    const { answer, code, cookie, counted, wrong } = await newChallenge()
    const guesses = await race(50, (n) => answer(wrong(n + 1), { cookie }))
    expect(statuses(guesses)).toEqual({ 401: 50 })
    expect(await counted()).toEqual({ attempts: 0, own_attempts: 5 })
    expectProblem(await answer(code, { cookie }), 'invalid_code')
    await race(50, (n) => answer(wrong(n + 1)))
    expect(await counted()).toEqual({ attempts: 5, own_attempts: 5 })
    expectProblem(await answer(code), 'invalid_code')
  })

  test('accounts 8: is new in every count when it is asked for again', async () => {
    const { client, email, tokens, answer, cookie, wrong } = await newChallenge()
    for (let n = 1; n <= 5; n++) await Promise.all([answer(wrong(n), { cookie }), answer(wrong(n))])
    const asked = await client.call('/v1/email/code', { json: { email } })
    const newer = await client.mailed('sign_in', tokens)
    const [row] = await service().sql('select attempts, own_attempts from one_time_tokens where id = $1', [
      newer.id,
    ])
    expect(row).toEqual({ attempts: 0, own_attempts: 0 })
    const own = { cookie: cookieOf(asked.headers, 'challenge') }
    expect((await answer(newer.code, own)).status).toBe(200)
  })

  test("accounts 8: another challenge's cookie, another account's, or a made-up one is a stranger's", async () => {
    const { client, email, answer, cookie, counted, wrong } = await newChallenge()
    const other = await newChallenge()
    const made = `__Host-latchkey-challenge=${'A'.repeat(43)}`
    for (const stranger of [other.cookie, made]) await answer(wrong(1), { cookie: stranger })
    expect(await counted()).toEqual({ attempts: 2, own_attempts: 0 })
    await client.call('/v1/email/code', { json: { email } })
    await answer(wrong(1), { cookie })
    const [row] = await service().sql(
      `select own_attempts from one_time_tokens where tenant_id = $1 and purpose = 'sign_in'`,
      [client.tenant.id],
    )
    expect(row).toEqual({ own_attempts: 0 })
  })

  test('accounts 8: strangers who are out of tries do not silence the browser that asked, nor one that is known', async () => {
    await inOneWindow(900, async () => {
      const { email, cookie: device } = await newOwner()
      const asked = await from().call('/v1/email/code', { json: { email } })
      const challenge = cookieOf(asked.headers, 'challenge')
      const attempt = (headers: Record<string, string> = {}) =>
        from().call('/v1/email/code/verify', { json: { email, code: '000000' }, headers })
      await fill(limited(), 'verifySignInCode:account', 59, () => attempt())
      expectRateLimited(await attempt(), 'account', 60, 900)
      const forged = `__Host-latchkey-challenge=${'A'.repeat(43)}`
      expectRateLimited(await attempt({ cookie: forged }), 'account', 60, 900)
      for (const cookie of [challenge, device]) expect((await attempt({ cookie })).status).toBe(401)
    })
  })
})
