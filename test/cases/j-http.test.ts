/** CASES.md group J: what the HTTP surface must not do, on every operation. Cookies and origins in detail: test/http. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Client, createClient, newEmail, PASSWORD, type Tokens } from '../support/client.ts'
import {
  allOperations,
  bearerOperations,
  bodyOperations,
  type Operation,
  OTHER_ID,
  perform,
} from '../support/http-operations.ts'
import { expectProblem } from '../support/problem.ts'
import { rawRequest, sendRaw } from '../support/raw.ts'
import { lendService, type Service } from '../support/service.ts'

const GOOD = 'https://app.good.test'

let service: Service
let client: Client
let tokens: Tokens

beforeAll(async () => {
  service = await lendService()
  client = createClient(service, await service.newTenant({ allowedOrigins: [GOOD] }))
  ;({ tokens } = await client.newAccount())
})
afterAll(() => service.stop())

const cookieOf = (token = tokens.refresh_token) => `__Host-latchkey=${token}`
const isAlive = async () => (await client.call('/v1/me', { bearer: tokens.access_token })).status === 200
const mutating = allOperations.filter(({ method }) => method !== 'GET')

/** What says nothing about anyone: keys, discovery, the description of the operations. */
const isForEverybody = ({ path }: Operation) => path.startsWith('/.well-known/') || path === '/openapi.json'

describe('other web pages', () => {
  test('J01 lets no page read an answer that its tenant has not listed', { timeout: 120_000 }, async () => {
    const origins = [
      'https://evil.test',
      'null',
      `${GOOD}.evil.test`,
      'https://sub.app.good.test',
      'http://app.good.test',
      `${GOOD}:8443`,
      `${GOOD}/`,
      'https://APP.good.test',
      '*',
    ]
    const nothing = { title: 'nothing', method: 'GET', path: '/nothing', by: 'nothing' } as Operation
    for (const operation of [...allOperations, nothing]) {
      const ask = async (origin: string) => {
        const { headers } = await perform(
          client,
          { ...operation, ...(operation.by === 'nothing' && operation.body && { body: () => ({}) }) },
          tokens,
          { origin, cookie: cookieOf() },
        )
        expect(headers.get('access-control-allow-credentials')).toBeNull()
        expect(headers.get('access-control-allow-origin'), operation.path).toBe(
          isForEverybody(operation) ? '*' : null,
        )
      }
      await Promise.all(origins.map(ask))
    }
    expect(await isAlive()).toBe(true)
  })

  test('J02 never reflects what a request asks to vary by or to be allowed', async () => {
    for (const origin of [GOOD, 'https://evil.test']) {
      const asked = {
        origin,
        vary: 'X-Evil',
        'access-control-request-headers': 'x-evil',
        'access-control-request-method': 'POST',
      }
      for (const method of ['GET', 'OPTIONS']) {
        const { headers } = await client.call('/v1/me', { method, headers: asked })
        expect(JSON.stringify([...headers])).not.toMatch(/x-evil/i)
        expect(headers.get('vary')).toBe('Origin')
      }
    }
  })

  test('J03 takes no write by cookie from a form, whatever it calls its content', async () => {
    const types = [
      'text/plain',
      'text/plain;application/json',
      'application/x-www-form-urlencoded',
      'Application/X-WWW-Form-Urlencoded',
      'multipart/form-data; boundary=x',
      'application/json, text/plain',
      'application/jsonp',
      'application/json; charset=utf-16',
      'text/json',
      'application/problem+json',
      '',
    ]
    const { access_token } = tokens
    for (const { method, path, by } of bodyOperations) {
      for (const type of types) {
        const headers = {
          cookie: cookieOf(),
          origin: 'https://evil.test',
          'sec-fetch-site': 'cross-site',
          'content-type': type,
        }
        const { status } = await client.call(path, {
          method,
          headers,
          body: '{"name":"Forged"}',
          ...(by === 'bearer' && { bearer: access_token }),
        })
        expect({ path, type, status }).toEqual({ path, type, status: 415 })
      }
      // No Content-Type at all, which a Blob without a type produces.
      const lines = [
        `Host: ${client.tenant.host}`,
        `Cookie: ${cookieOf()}`,
        'Origin: https://evil.test',
        'Content-Length: 2',
      ]
      expect((await sendRaw(service, rawRequest(`${method} ${path} HTTP/1.1`, lines, '{}'))).status).toBe(415)
    }
    expect(await isAlive()).toBe(true)
  })

  test('J03 takes no write by cookie without a word on where it comes from, or from elsewhere', async () => {
    const sites = [
      {},
      { 'sec-fetch-site': 'none' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'SAME-ORIGIN' },
      { origin: 'https://evil.test' },
      { origin: 'null' },
      { origin: 'https://evil.test', 'sec-fetch-site': 'same-origin' },
      { referer: 'http://whatever' },
      { 'x-requested-with': 'XMLHttpRequest' },
    ]
    for (const site of sites)
      for (const path of ['/v1/refresh', '/v1/logout'])
        for (const json of [undefined, {}])
          expectProblem(
            await client.call(path, {
              method: 'POST',
              json,
              headers: { cookie: cookieOf(), ...site } as Record<string, string>,
            }),
            'origin_not_allowed',
          )
    expect(await isAlive()).toBe(true)
    const [row] = await service.sql('select count(*)::int as n from refresh_tokens where session_id = $1', [
      tokens.session.id,
    ])
    expect(row).toEqual({ n: 1 })
  })

  test('J04 signs no one in or up from another site, and does so for a program', async () => {
    const { email } = await client.newAccount()
    const [before] = await service.sql(
      'select (select count(*) from users) as users, (select count(*) from sessions) as sessions',
    )
    for (const origin of ['https://evil.test', 'null']) {
      const headers = { origin, 'sec-fetch-site': 'cross-site' }
      for (const transport of ['token', 'cookie']) {
        expectProblem(
          await client.call('/v1/login', { json: { email, password: PASSWORD, transport }, headers }),
          'origin_not_allowed',
        )
        expectProblem(
          await client.call('/v1/register', {
            json: { email: newEmail(), password: PASSWORD, transport },
            headers,
          }),
          'origin_not_allowed',
        )
      }
    }
    const [after] = await service.sql(
      'select (select count(*) from users) as users, (select count(*) from sessions) as sessions',
    )
    expect(after).toEqual(before)
    expect((await client.login(email)).status).toBe(200)
  })
})

describe('methods and paths', () => {
  test('J05 changes nothing by GET, HEAD or an override, and says what the path takes', async () => {
    const overrides = {
      'x-http-method-override': 'DELETE',
      'x-method-override': 'DELETE',
      'x-http-method': 'DELETE',
    }
    for (const { path, method } of mutating) {
      const [pathname = ''] = path.split('?')
      // Of an operation, or of one that takes it for an id.
      const paths = [pathname, pathname.replace(/[^/]+$/, OTHER_ID)]
      const readable = allOperations.some((one) => one.method === 'GET' && paths.includes(one.path))
      for (const wrong of ['GET', 'HEAD']) {
        const { status, headers } = await client.call(`${pathname}?_method=${method}`, {
          method: wrong,
          headers: overrides,
          bearer: tokens.access_token,
        })
        // What is readable answers as it does to its reader, who has no such parameter and may be no administrator.
        const answers = readable ? [200, 400, 403, 404, 422] : [405]
        expect({ path, status }).toEqual({ path, status: expect.toBeOneOf(answers) })
        if (!readable) expect(headers.get('allow')?.split(', ')).toContain(method)
      }
      for (const wrong of ['TRACE', 'CONNECTX', 'PROPFIND', 'get', 'PUT']) {
        const { status } = await sendRaw(
          service,
          rawRequest(`${wrong} ${pathname} HTTP/1.1`, [
            `Host: ${client.tenant.host}`,
            `Authorization: Bearer ${tokens.access_token}`,
          ]),
        )
        expect({ path, wrong, status }).toMatchObject({ status: expect.toBeOneOf([400, 404, 405, 501]) })
      }
    }
    expect(await isAlive()).toBe(true)
  })

  test('J09 lets no spelling of a path around the check of the caller', async () => {
    const paths = [
      '/healthz/../v1/me',
      '/.well-known/../v1/me',
      '/v1/%6de',
      '/v1/me%00',
      '/v1/me;x',
      '/v1/me/',
      '//v1/me',
      '/v1//me',
      '/v1/./me',
      '/v1/x/../me',
      '/v1/%2e%2e/v1/me',
      '/healthz/..%2fv1/me',
      '/healthz/%2e%2e/v1/me',
      '/V1/ME',
      '/v1/me%2f',
      '/v1\\me',
      '/v1/me?x=/healthz',
      '/v1/me#/healthz',
      '/healthz?/v1/me',
      '/v1/me%23',
      '/v1/me%3f',
      '/v1/%256de',
      '/v1/me.json',
      '/v1/me%20',
      '/%',
      '/v1/%zz',
      '/v1/sessions/..%2fme',
      '/v1/sessions/%2e%2e',
      '/v1/sessions/../me',
      '/v1/m\u00e9',
    ]
    for (const path of paths) {
      for (const target of [path, `http://${client.tenant.host}${path}`]) {
        const { status, text } = await sendRaw(
          service,
          rawRequest(`GET ${target} HTTP/1.1`, [`Host: ${client.tenant.host}`]),
        )
        const isHealth = path.startsWith('/healthz?')
        expect({ target, status }).toMatchObject({
          status: isHealth ? 200 : expect.toBeOneOf([400, 401, 404, 405]),
        })
        expect(text).not.toContain('"email"')
      }
    }
    expect(await isAlive()).toBe(true)
  })

  test('J09 answers a path with a strange id like any other id that does not exist', async () => {
    for (const id of [
      '..%2f..%2fme',
      '%2e%2e%2f',
      'x',
      '%00',
      "'%20or%201=1--",
      '%F0%9F%92%A9',
      '%ff',
      'a'.repeat(5000),
      '00000000-0000-7000-8000-00000000000G',
      '%7B%7D',
    ])
      expectProblem(
        await client.call(`/v1/sessions/${id}`, { method: 'DELETE', bearer: tokens.access_token }),
        'not_found',
      )
  })

  test('J10 believes no header on which path, host, scheme or caller this is', async () => {
    const headers = {
      'x-original-url': '/healthz',
      'x-rewrite-url': '/healthz',
      'x-forwarded-uri': '/healthz',
      'x-forwarded-path': '/healthz',
      'x-forwarded-host': 'evil.test',
      'x-forwarded-prefix': '/healthz',
      forwarded: 'host=evil.test;for=127.0.0.1',
      'x-forwarded-for': '127.0.0.1',
      'x-real-ip': '127.0.0.1',
      'x-user-id': tokens.user.id,
      'x-auth-request-user': tokens.user.id,
      'cf-worker': 'x',
      'user-agent': 'GoogleHC/1.0',
    }
    for (const operation of bearerOperations) {
      const { status } = await perform(client, { ...operation, by: 'nothing' }, tokens, headers)
      expect({ operation: operation.title, status }).toEqual({
        operation: operation.title,
        status: operation.path === '/v1/logout' ? 204 : 401, // there is nothing to end, so nothing ends
      })
    }
    expect(await isAlive()).toBe(true)
    const found = await client.call('/.well-known/openid-configuration', { headers })
    expect(found.body).toMatchObject({ issuer: client.tenant.origin })
  })

  test('J14 tells no version, no near miss and no list of paths', async () => {
    for (const path of [
      '/v1',
      '/v1/',
      '/v1/logins',
      '/v2/login',
      '/metrics',
      '/debug',
      '/admin',
      '/robots.txt',
      '/.env',
      '/.edge/jwks',
      '/v1/regist',
      '/.well-known',
      '/.well-known/jwks.json/x.css',
      '/.well-known/jwks.json;x.css',
    ]) {
      const answer = await client.call(path)
      expectProblem(answer, 'not_found')
      expect(JSON.stringify(answer.body)).not.toMatch(/did you mean|login|hono|workerd|\d+\.\d+\.\d+/i)
      for (const header of ['server', 'x-powered-by', 'via']) expect(answer.headers.get(header)).toBeNull()
    }
  })

  test('J15 has no other way in: an upgrade gets the same answer or none', async () => {
    for (const upgrade of ['websocket', 'h2c', 'TLS/1.0']) {
      const lines = [
        `Host: ${client.tenant.host}`,
        `Upgrade: ${upgrade}`,
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        'Sec-WebSocket-Version: 13',
        'HTTP2-Settings: AAMAAABk',
      ]
      const { status } = await sendRaw(
        service,
        `GET /v1/me HTTP/1.1\r\n${lines.join('\r\n')}\r\nConnection: ${upgrade === 'websocket' ? 'Upgrade' : 'close'}\r\n\r\n`.replace(
          'Connection: Upgrade',
          'Connection: Upgrade, close',
        ),
      )
      expect(status).toBeOneOf([400, 401, 426])
    }
    const { status } = await sendRaw(service, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    expect(status).toBeOneOf([0, 400, 405, 501, 505])
    expect(await isAlive()).toBe(true)
  })
})

describe('framing and cookies', () => {
  test('J11 counts the bytes of a body, whatever its headers say about them', async () => {
    const host = `Host: ${client.tenant.host}`
    const json = 'Content-Type: application/json'
    const big = `{"email":"${'a'.repeat(20_000)}"}`
    const chunked = `${big.length.toString(16)}\r\n${big}\r\n0\r\n\r\n`
    const games: [string[], string][] = [
      [['Transfer-Encoding: chunked'], chunked],
      [['Transfer-Encoding: chunked', 'Content-Length: 5'], chunked],
      [['Content-Length: 5', 'Transfer-Encoding: chunked'], chunked],
      [['Transfer-Encoding: chunked, identity'], chunked],
      [['Transfer-Encoding: xchunked'], chunked],
      [['Content-Length: 5', 'Content-Length: 20012'], big],
      [['Content-Length: -1'], big],
      [['Content-Length: 0x10'], big],
      [['Content-Length: 99999999999999999999'], big],
      [['Content-Length: 16'], `{"email":"a@b.c"}GET /v1/me HTTP/1.1\r\n\r\n`],
    ]
    for (const [lines, body] of games) {
      const { status } = await sendRaw(
        service,
        rawRequest('POST /v1/login HTTP/1.1', [host, json, ...lines], body),
      )
      expect({ lines, status }).toMatchObject({ status: expect.toBeOneOf([400, 411, 413, 422, 501]) })
    }
    expect(await isAlive()).toBe(true)
  })

  test('J07 lets no input reach a cookie: its name and attributes are always the same', async () => {
    const tricky = `x; Domain=evil.test; SameSite=None`
    const { email } = await client.newAccount()
    const answers = [
      await client.call('/v1/register', {
        json: { email: newEmail(), password: PASSWORD, transport: 'cookie', name: tricky },
      }),
      await client.call('/v1/login?domain=evil.test;x', {
        json: { email, password: PASSWORD, transport: 'cookie' },
        headers: {
          'user-agent': tricky,
          'x-forwarded-host': 'evil.test',
          cookie: 'a=b; Domain=evil.test; __Host-latchkey-device=x',
        },
      }),
    ]
    for (const { headers } of answers) {
      const [refresh, device, ...others] = headers.getSetCookie()
      const attributes = 'Max-Age=\\d+; Path=/; HttpOnly; Secure; SameSite=Lax$'
      expect(refresh).toMatch(new RegExp(`^__Host-latchkey=lkr_[\\w-]{43}; ${attributes}`))
      expect(device).toMatch(new RegExp(`^__Host-latchkey-device=[\\w-]{43}; ${attributes}`))
      expect(others).toEqual([])
    }
    for (const transport of [
      'cookie; Domain=evil.test',
      'cookie\r\nSet-Cookie: a=b',
      ['cookie'],
      'Cookie',
      '',
    ])
      expectProblem(await client.login(email, PASSWORD, { transport }), 'invalid_input')
  })

  test('J08 refuses a cookie that is sent twice, and honours no other name', async () => {
    const token = tokens.refresh_token
    const post = (lines: (string | Buffer)[]) =>
      sendRaw(
        service,
        Buffer.concat([
          Buffer.from(
            `POST /v1/refresh HTTP/1.1\r\nHost: ${client.tenant.host}\r\nSec-Fetch-Site: same-origin\r\nContent-Length: 0\r\nConnection: close\r\n`,
          ),
          ...lines.map((line) =>
            Buffer.concat([Buffer.from('Cookie: '), Buffer.from(line), Buffer.from('\r\n')]),
          ),
          Buffer.from('\r\n'),
        ]),
      )
    const twice = [
      [`__Host-latchkey=x; __Host-latchkey=${token}`],
      [`__Host-latchkey=${token};__Host-latchkey=${token}`],
      [`__Host-latchkey=; __Host-latchkey=${token}`],
    ]
    for (const lines of twice) expect((await post(lines)).text).toContain('invalid_request')
    // In two headers, which the runtime joins in a way that makes no cookie of ours.
    for (const lines of [
      [`__Host-latchkey=${token}`, '__Host-latchkey=x'],
      ['__Host-latchkey=x', `__Host-latchkey=${token}`],
    ])
      expect((await post(lines)).status).toBeOneOf([400, 401])
    const names = [
      '__HOST-latchkey',
      '__host-latchkey',
      'latchkey',
      '\u00a0__Host-latchkey',
      '__Host-latchkey\u00a0',
      '=__Host-latchkey',
      '__Host-Latchkey',
      '"__Host-latchkey"',
      '__Secure-latchkey',
      '__Host-latchkey[]',
      '__Host-latchkey.x',
      'x=__Host-latchkey',
      '\ufeff__Host-latchkey',
      '\v__Host-latchkey',
    ]
    for (const name of names)
      for (const encoding of ['utf8', 'latin1'] as const)
        expect({ name, status: (await post([Buffer.from(`${name}=${token}`, encoding)])).status }).toEqual({
          name,
          status: 401,
        })
    for (const value of [
      `"${token}"`,
      `${token},`,
      encodeURIComponent(`${token} `),
      `${token}\u00a0`,
      `s:${token}`,
      '',
      token.slice(0, -1),
      `${token}A`,
    ])
      expect({ value, status: (await post([`__Host-latchkey=${value}`])).status }).toEqual({
        value,
        status: 401,
      })
    const crowd = Array.from({ length: 200 }, (_, index) => `c${index}=${index}`).join('; ')
    expect((await post([`${crowd}; __Host-latchkey=${token}`])).status).toBe(200)
  })
})

// Elsewhere: J06 and J12 are test/http/headers.test.ts. Not here yet: J13 (nothing redirects).
