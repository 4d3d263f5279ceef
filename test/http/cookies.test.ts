/**
 * The refresh cookie: how it is set, what it authorises, and that it means nothing on another host. The cookie of a known
 * browser, which every sign-in sets beside it, is that of test/passwords/known-device.test.ts.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readDeviceCookie, readRefreshCookie } from '../../src/http/cookies.ts'
import { type Client, createClient, newEmail, PASSWORD, type Tokens } from '../support/client.ts'
import { CLEARED, expectProblem as expectRefusal } from '../support/expect.ts'
import { expectProblem } from '../support/problem.ts'
import { lendService, type Service } from '../support/service.ts'

let service: Service
let client: Client

beforeAll(async () => {
  service = await lendService()
  client = createClient(service, await service.newTenant())
})
afterAll(() => service.stop())

const SAME_ORIGIN = { 'sec-fetch-site': 'same-origin' }
const FORM = /^__Host-latchkey=(lkr_[\w-]{43}); Max-Age=(\d+); Path=\/; HttpOnly; Secure; SameSite=Lax$/

/** The token and the life that the one refresh cookie of an answer carries. */
function readCookie(headers: Headers) {
  const refreshCookies = headers.getSetCookie().filter((cookie) => cookie.startsWith('__Host-latchkey='))
  expect(refreshCookies).toHaveLength(1)
  const [, token = '', maxAge] = FORM.exec(refreshCookies[0] ?? '') ?? []
  expect(token).not.toBe('')
  return { token, maxAge: Number(maxAge) }
}

/** The names of the cookies that an answer sets. */
const namesOf = (headers: Headers) => headers.getSetCookie().map((cookie) => cookie.split('=')[0])

const register = (settings: object = {}, as = client) =>
  as.call<Tokens>('/v1/register', {
    json: { email: newEmail(), password: PASSWORD, transport: 'cookie', ...settings },
  })

const refreshBy = (token: string, headers: Record<string, string> = SAME_ORIGIN, as = client) =>
  as.call<Tokens>('/v1/refresh', {
    method: 'POST',
    headers: { cookie: `__Host-latchkey=${token}`, ...headers },
  })

describe('accepts', () => {
  test('sets it once at sign-up, sign-in and refresh, and keeps the token out of the body', async () => {
    const signedUp = await register()
    const json = { email: signedUp.body.user.email, password: PASSWORD, transport: 'cookie' }
    const signedIn = await client.call<Tokens>('/v1/login', { json })
    const refreshed = await refreshBy(readCookie(signedIn.headers).token)
    for (const { headers, body } of [signedUp, signedIn, refreshed]) {
      const { token, maxAge } = readCookie(headers)
      expect(maxAge).toBe(body.refresh_expires_in)
      expect(JSON.stringify(body)).not.toContain(token)
      expect(body).not.toHaveProperty('refresh_token')
    }
    for (const { headers } of [signedUp, signedIn])
      expect(namesOf(headers)).toEqual(['__Host-latchkey', '__Host-latchkey-device'])
    expect(namesOf(refreshed.headers)).toEqual(['__Host-latchkey'])
  })

  test('sets none with the token transport', async () => {
    const { headers, body } = await client.register()
    expect(headers.get('set-cookie')).toBeNull()
    const refreshed = await client.refresh(body.refresh_token)
    expect(refreshed.headers.get('set-cookie')).toBeNull()
  })

  test("lives exactly as long as the token, also near the session's absolute end", async () => {
    const { body, headers } = await register()
    await service.sql(`update sessions set expires_at = now() + interval '100 seconds' where id = $1`, [
      body.session.id,
    ])
    const { maxAge } = readCookie((await refreshBy(readCookie(headers).token)).headers)
    expect(maxAge).toBeGreaterThan(80)
    expect(maxAge).toBeLessThanOrEqual(100)
  })

  test('takes a cookie among others, with or without a body', async () => {
    let { token } = readCookie((await register()).headers)
    for (const json of [undefined, {}]) {
      const headers = { cookie: `a=b; __Host-latchkey=${token}; theme=dark`, ...SAME_ORIGIN }
      const answer = await client.call('/v1/refresh', { method: 'POST', headers, json })
      expect(answer.status).toBe(200)
      token = readCookie(answer.headers).token
    }
  })

  test('signs out by the cookie and makes the browser forget it', async () => {
    const { token } = readCookie((await register()).headers)
    const headers = { cookie: `__Host-latchkey=${token}`, ...SAME_ORIGIN }
    for (const _again of [1, 2]) {
      const answer = await client.call('/v1/logout', { method: 'POST', headers })
      expect(answer.status).toBe(204)
      expect(answer.headers.getSetCookie()).toEqual([
        '__Host-latchkey=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax',
      ])
    }
    expectRefusal(await refreshBy(token), 'invalid_grant', [CLEARED])
  })

  test('prefers the token in the body, which was put there on purpose, and answers it in the body', async () => {
    const { token } = readCookie((await register()).headers)
    const { tokens } = await client.newAccount()
    const headers = { cookie: `__Host-latchkey=${token}` }
    const answer = await client.call<Tokens>('/v1/refresh', {
      json: { refresh_token: tokens.refresh_token },
      headers,
    })
    expect(answer.status).toBe(200)
    expect(answer.body.user.id).toBe(tokens.user.id)
    expect(answer.headers.get('set-cookie')).toBeNull()
    expect((await refreshBy(token)).status).toBe(200)
  })
})

describe('refuses', () => {
  test('gives nothing away when the sign-in fails', async () => {
    for (const password of ['wrong password', '']) {
      const json = { email: newEmail(), password, transport: 'cookie' }
      expectProblem(await client.call('/v1/login', { json }), 'invalid_credentials')
    }
    const { body } = await register()
    const taken = { email: body.user.email, password: PASSWORD, transport: 'cookie' }
    expectProblem(await client.call('/v1/register', { json: taken }), 'email_taken')
  })

  test('refuses a write without Origin and without Sec-Fetch-Site, and leaves the token unused', async () => {
    const { token } = readCookie((await register()).headers)
    for (const headers of [
      {},
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
    ]) {
      expectProblem(await refreshBy(token, headers as Record<string, string>), 'origin_not_allowed')
      const cookie = { cookie: `__Host-latchkey=${token}`, ...headers } as Record<string, string>
      expectProblem(
        await client.call('/v1/logout', { method: 'POST', headers: cookie }),
        'origin_not_allowed',
      )
    }
    expect((await refreshBy(token)).status).toBe(200)
  })

  test('takes the cookie for nothing that an access token must authorise', async () => {
    const { token } = readCookie((await register()).headers)
    const headers = { cookie: `__Host-latchkey=${token}`, ...SAME_ORIGIN }
    for (const [method, path] of [
      ['GET', '/v1/me'],
      ['GET', '/v1/sessions'],
      ['DELETE', '/v1/sessions'],
    ] as const)
      expectProblem(await client.call(path, { method, headers }), 'missing_token')
    expectProblem(
      await client.call('/v1/me', { method: 'PATCH', headers, json: { name: 'x' } }),
      'missing_token',
    )
  })

  test('refuses the cookie of one tenant on the host of another, and it lives on at home', async () => {
    const { token } = readCookie((await register()).headers)
    const stranger = createClient(
      service,
      await service.newTenant({ allowedOrigins: [client.tenant.origin] }),
    )
    for (const headers of [
      SAME_ORIGIN,
      { origin: stranger.tenant.origin },
      { origin: client.tenant.origin },
    ]) {
      expectProblem(await refreshBy(token, headers as Record<string, string>, stranger), 'invalid_grant')
      const cookie = { cookie: `__Host-latchkey=${token}`, ...headers } as Record<string, string>
      await stranger.call('/v1/logout', { method: 'POST', headers: cookie })
    }
    expect((await refreshBy(token)).status).toBe(200)
  })

  test('refuses an access token in the place of the cookie, and the other way round', async () => {
    const { body, headers } = await register()
    expectRefusal(await refreshBy(body.access_token), 'invalid_grant', [CLEARED])
    expectProblem(await client.call('/v1/me', { bearer: readCookie(headers).token }), 'invalid_token')
  })

  // A pattern that looks for blanks at an end takes the square of these: 15 seconds each.
  test('reads a header of a hundred thousand blanks in one pass', { timeout: 5_000 }, () => {
    const [blanks, tabs] = [' '.repeat(100_000), '\t'.repeat(100_000)]
    for (const cookie of [
      `a${blanks}b=1`,
      `a=b${tabs}c`,
      `x;${tabs}y=1`,
      `${' ;'.repeat(50_000)}x`,
      '='.repeat(100_000),
    ])
      for (const read of [readRefreshCookie, readDeviceCookie])
        expect(read(new Headers({ cookie }))).toBeNull()
    expect(readRefreshCookie(new Headers({ cookie: `a=1;${blanks}__Host-latchkey=x` }))).toBe('x')
  })

  test('never takes one of our cookies for the other, whose name begins alike', () => {
    const both = new Headers({ cookie: '__Host-latchkey-device=d; __Host-latchkey=r' })
    expect([readRefreshCookie(both), readDeviceCookie(both)]).toEqual(['r', 'd'])
    const device = new Headers({ cookie: '__Host-latchkey-device=lkr_x' })
    expect(readRefreshCookie(device)).toBeNull()
    expect(readDeviceCookie(new Headers({ cookie: '__Host-latchkey=x' }))).toBeNull()
  })

  test.each([
    ['twice', '__Host-latchkey-device=a; __Host-latchkey-device=b'],
    ['twice alike', '__Host-latchkey-device=a; x=y; __Host-latchkey-device=a'],
    ['with a no-break space before its name', '\u00a0__Host-latchkey-device=a'],
    ['in other letters', '__host-latchkey-device=a'],
    ['without a value', '__Host-latchkey-device'],
  ])('takes the cookie of a known browser for absent when it is there %s', (_, cookie) => {
    expect(readDeviceCookie(new Headers({ cookie }))).toBeNull()
  })
})
