/**
 * Input that no one should send, to every operation that takes a body: each a 4xx of the catalogue that names the field,
 * repeats nothing of what was sent, and leaves every table as it was.
 */
import net from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { operationCalled } from '../operations.ts'
import { type Answer, type Client, createClient, newEmail, PASSWORD, type Tokens } from '../support/client.ts'
import { CLEARED, expectProblem as expectRefusal } from '../support/expect.ts'
import { allOperations, bodyOperations, type Operation } from '../support/http-operations.ts'
import { expectProblem } from '../support/problem.ts'
import { rawRequest, sendRaw } from '../support/raw.ts'
import { lendService, type Service } from '../support/service.ts'

/** Is in every input; must be in no answer and in no log line. */
const CANARY = 'canary-7f3a9'

let service: Service
let client: Client
let tokens: Tokens
/** What the tables and the log held before the test that runs. */
let stored: unknown
let logged = 0

beforeAll(async () => {
  service = await lendService()
  client = createClient(service, await service.newTenant())
  ;({ tokens } = await client.newAccount())
  stored = await countRows()
})
afterEach(async () => {
  const before = stored
  const lines = service.logs().slice(logged)
  logged += lines.length
  stored = await countRows()
  expect(stored).toEqual(before)
  expect(lines.length).toBeGreaterThan(0)
  expect(lines.filter((line) => line.includes(CANARY) || line.includes('"level":"error"'))).toEqual([])
})
afterAll(() => service.stop())

const countRows = () =>
  service.sql(`select (select count(*) from users) as users, (select count(*) from sessions) as sessions,
    (select count(*) from refresh_tokens) as tokens, (select count(*) from events) as events,
    (select json_agg(users order by id) from users) as rows`)

/** Calls the operation with this body as it stands. */
async function send(
  { method, path, by }: Operation,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
) {
  const answer = await client.call(path, {
    method,
    body,
    headers: { 'content-type': 'application/json', ...headers },
    ...(by === 'bearer' && { bearer: tokens.access_token }),
  })
  expectNoEcho(answer)
  return answer
}

const sendJson = (operation: Operation, value: unknown) => send(operation, JSON.stringify(value))

function expectNoEcho({ headers, body }: Answer<unknown>) {
  expect(JSON.stringify([body, [...headers]])).not.toContain(CANARY)
}

/** The operation's own good body. */
const good = ({ body }: Operation) => body?.(tokens) ?? {}

describe.each(bodyOperations.map((operation) => [operation.title, operation] as const))(
  '%s',
  (_title, operation) => {
    test('refuses what is not JSON, or not an object', async () => {
      const texts = [
        `${CANARY}`,
        `{"email":"${CANARY}"`,
        `{email:"${CANARY}"}`,
        `{'a':'${CANARY}'}`,
        `{"a":"${CANARY}",}`,
        `a=${CANARY}`,
        `<a>${CANARY}</a>`,
        `{"a":"${CANARY}"}{}`,
        '{"a":NaN}',
        '{"a":"\n"}',
        '{"a":"\\x"}',
        '\ufeff{}',
        '{}\0',
        'undefined',
      ]
      for (const text of texts) expectProblem(await send(operation, text), 'invalid_json')
      const isOptional = operationCalled(operation.title).bodyIsOptional
      for (const value of [...(isOptional ? [] : [null]), true, 7, CANARY, [], [{ email: CANARY }]])
        expectProblem(await sendJson(operation, value), 'invalid_input', { '': 'wrong_type' })
      for (const bytes of [
        Buffer.from('{"a":"\xff"}', 'latin1'),
        Buffer.from(`{"a":"${CANARY}"}`, 'utf16le'),
        Buffer.from('{"a":"\xed\xa0\x80"}', 'latin1'),
        Buffer.from('{"a":"\xc0\x80"}', 'latin1'),
      ])
        expectProblem(await send(operation, bytes), 'invalid_json')
    })

    test('refuses every content type but application/json', async () => {
      const text = JSON.stringify(good(operation))
      for (const type of [
        'text/plain',
        'text/json',
        'application/x-www-form-urlencoded',
        'application/jsonp',
        'application/json;charset=latin1',
        'application/json; x=1',
        `application/${CANARY}`,
        '',
      ])
        expectProblem(await send(operation, text, { 'content-type': type }), 'unsupported_media_type')
      expectProblem(
        await send(operation, text, { 'content-type': 'text/plain', 'content-encoding': 'gzip' }),
        'unsupported_media_type',
      )
    })

    test('I09 refuses a body of 10 MB, declared or chunked, and answers the next request', async () => {
      const big = `{"email":"${CANARY}${'a'.repeat(10_000_000)}"}`
      const refusals = () =>
        service
          .logs()
          .filter((line) => line.includes(`"operation":"${operation.route ?? operation.path}","status":413`))
          .length
      const framings: [string, string][] = [
        [`Content-Length: ${big.length}`, big],
        ['Transfer-Encoding: chunked', `${big.length.toString(16)}\r\n${big}\r\n0\r\n\r\n`],
      ]
      for (const [framing, body] of framings) {
        const before = refusals()
        const lines = [`Host: ${client.tenant.host}`, 'Content-Type: application/json', framing]
        const { text } = await sendRaw(
          service,
          rawRequest(`${operation.method} ${operation.path} HTTP/1.1`, lines, body),
        )
        expect(text).not.toContain(CANARY)
        // The Worker's own word: its answer may be lost, because the connection closes while we still send.
        await expect.poll(refusals).toBe(before + 1)
      }
      const onlyOver = JSON.stringify({
        pad: 'a'.repeat(operationCalled(operation.title).maxBodyBytes ?? 16 * 1024),
      })
      expectProblem(await send(operation, onlyOver), 'payload_too_large')
      expect((await client.call('/v1/me', { bearer: tokens.access_token })).status).toBe(200)
    })

    test('I09 refuses deep nesting and a hundred thousand keys', async () => {
      for (const open of ['[', '{"a":'])
        for (const text of [
          open.repeat(10_000),
          `{"email":${open.repeat(8)}1${(open === '[' ? ']' : '}').repeat(8)}}`,
        ])
          expect((await send(operation, text)).body).toMatchObject({
            code: expect.toBeOneOf(['invalid_json', 'payload_too_large']),
          })
      expectProblem(await send(operation, `{"email":${'['.repeat(7000)}${']'.repeat(7000)}}`), 'invalid_json')
      const keys = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`k${index}`, 1]))
      expectProblem(await sendJson(operation, { ...good(operation), ...keys }), 'invalid_input')
    })

    test('I10 refuses a duplicate key, however it is spelled', async () => {
      for (const key of Object.keys(good(operation))) {
        const text = JSON.stringify(good(operation))
        const escaped = `\\u${key.charCodeAt(0).toString(16).padStart(4, '0')}${key.slice(1)}`
        for (const again of [key, escaped])
          expectProblem(await send(operation, `${text.slice(0, -1)},"${again}":"${CANARY}"}`), 'invalid_json')
      }
    })

    test('refuses unknown fields and names them', async () => {
      const fields = [
        'extra',
        'Email',
        'password ',
        'is_admin',
        'email/verified',
        'a~b',
        '$where',
        '',
        'toString',
        'constructor',
        'prototype',
        'hasOwnProperty',
      ]
      for (const field of fields) {
        const pointer = `/${field.replaceAll('~', '~0').replaceAll('/', '~1')}`
        expectProblem(await sendJson(operation, { ...good(operation), [field]: CANARY }), 'invalid_input', {
          [pointer]: 'unknown_field',
        })
      }
    })

    test('I08 refuses keys that pollute prototypes, wherever they are', async () => {
      const text = JSON.stringify(good(operation)).slice(0, -1)
      for (const key of ['__proto__', 'constructor'])
        expectProblem(
          await send(operation, `${text},"${key}":{"admin":true,"prototype":{"admin":true}}}`),
          'invalid_input',
          { [`/${key}`]: 'unknown_field' },
        )
      for (const field of Object.keys(good(operation)))
        expectProblem(await send(operation, `{"${field}":{"__proto__":{"admin":true}}}`), 'invalid_input')
      expectProblem(
        await send(
          operation,
          '{"__proto__":{"email":"a@example.com","password":"correct horse battery","name":"x","refresh_token":"x"}}',
        ),
        'invalid_input',
      )
    })

    test('I07 refuses another type where text belongs, and names the field', async () => {
      const texts = Object.entries(good(operation)).filter(([, value]) => typeof value === 'string')
      for (const [field] of texts)
        for (const value of [7, true, [], [CANARY], {}, { $gt: '' }, { toString: CANARY }, 1e308])
          expectProblem(await sendJson(operation, { ...good(operation), [field]: value }), 'invalid_input', {
            // One of a few words: anything else is none of them.
            [`/${field}`]: /^(method|kind|link_policy|credentials)$/.test(field)
              ? 'not_allowed'
              : 'wrong_type',
          })
      const others = Object.entries(good(operation)).filter(([, value]) => typeof value !== 'string')
      for (const [field] of others)
        expectProblem(await sendJson(operation, { ...good(operation), [field]: CANARY }), 'invalid_input', {
          [`/${field}`]: 'wrong_type',
        })
    })

    test('I10 refuses NUL and lone surrogates in any text, and names the field', async () => {
      for (const field of Object.keys(good(operation)))
        for (const text of [
          `${CANARY}\0${CANARY}`,
          '\0',
          `${CANARY}\ud800`,
          `\udc00${CANARY}`,
          '\ud800\ud800'.padEnd(20, 'x'),
        ]) {
          const answer = await sendJson(operation, { ...good(operation), [field]: text })
          if (field !== 'refresh_token')
            expect(answer.body).toMatchObject({
              errors: expect.arrayContaining([expect.objectContaining({ pointer: `/${field}` })]),
            })
          expectProblem(answer, 'invalid_input')
        }
    })
  },
)

const named = (title: string): Operation => {
  const operation = bodyOperations.find((candidate) => candidate.title === title)
  if (!operation) throw new Error(`no operation is called ${title}`)
  return operation
}
const [register, login, updateMe] = [named('register'), named('login'), named('updateMe')]
const [refresh, logout] = [named('refresh'), named('logout')]

describe('e-mail addresses', () => {
  const bad: [string, string[]][] = [
    [
      'I01 refuses lists and display names',
      [
        `a@${CANARY}.test,v@x.test`,
        `a@${CANARY}.test;v@x.test`,
        'a@x.test v@x.test',
        'a@x.test\nv@x.test',
        '<a@x.test>',
        'A <a@x.test>',
        'a@x.test>',
        'mailto:a@x.test',
        'a@x.test,',
      ],
    ],
    [
      'I02 refuses quoted local parts, comments and routes',
      [
        '"e@evil.com"@x.test',
        '"x@evil x"@x.test',
        '"a"@x.test',
        'a(b)@x.test',
        'a@(b)x.test',
        'a@x.test(b)',
        '@evil.test:a@x.test',
        'a%evil.test@',
        'a\\@b@x.test',
      ],
    ],
    [
      'I03 refuses more than one @, and less',
      [
        'a@evil@x.test',
        'a@@x.test',
        '@x.test',
        'a@',
        'a',
        '@',
        '',
        ' ',
        'a@x',
        'a@.x.test',
        'a@x..test',
        'a@x.test.',
        'a@-x.test',
        'a@x-.test',
        'a@[127.0.0.1]',
        'a@127.0.0.1',
        '.a@x.test',
        'a.@x.test',
        'a..b@x.test',
        'a @x.test',
        'a@ x.test',
        '\0a@x.test',
      ],
    ],
    [
      'I04 refuses everything but ASCII, so that no look-alike exists',
      [
        'juli\u00e1n@x.test',
        'julia\u0301n@x.test',
        'a@\u0435xample.test',
        '\u0430@x.test',
        'a@x.te\u0455t',
        'stra\u00dfe@x.test',
        '\u0131@x.test',
        '\u0130@x.test',
        '\uff41@x.test',
        'a\uff20x.test',
        'a@x\u3002test',
        'a\u200b@x.test',
        '\u212a@x.test',
        'a@\u{1f4a9}.test',
        'a\u202e@x.test',
      ],
    ],
    [
      'I06 refuses line breaks and header injection',
      [
        'a@x.test\r\nBcc: v@x.test',
        'a\r\n@x.test',
        'a@x.test%0d%0aBcc:v@x.test',
        'a@x.test\u2028Bcc: v@x.test',
        'a@x.\rtest',
        'a\n@x.test',
        'a\0@x.test',
      ],
    ],
    [
      'H14 refuses what is made to be slow',
      [
        `a@${'(a+)+'.repeat(2000)}`,
        '@'.repeat(1000),
        `${'a.'.repeat(5000)}@x.test`,
        `a@${'a-'.repeat(5000)}.test`,
        `a@${'a.'.repeat(120)}`,
        `${'a'.repeat(65)}@x.test`,
        `a@${'b'.repeat(64)}.test`,
        `${'a'.repeat(60)}@${`${'b'.repeat(60)}.`.repeat(4)}test`,
      ],
    ],
  ]
  test.each(bad)('%s', async (_title, addresses) => {
    for (const operation of [register, login])
      for (const email of addresses) {
        const answer = await sendJson(operation, { ...good(operation), email })
        expectProblem(answer, 'invalid_input')
        expect({ email, errors: answer.body.errors }).toEqual({
          email,
          errors: [
            {
              pointer: '/email',
              code: expect.toBeOneOf(['invalid_email', 'too_long', 'invalid_characters']),
            },
          ],
        })
      }
  })

  test('counts every spelling of case as one address', async () => {
    const upper = tokens.user.email.toUpperCase()
    expectProblem(await client.register(upper), 'email_taken')
    expectProblem(await client.login(upper, 'not the password'), 'invalid_credentials')
    stored = await countRows() // the failed attempt was counted
  })
})

describe('passwords', () => {
  test.each([
    ['0 characters', '', 'too_short'],
    ['7 characters', 'a1b2c3d', 'too_short'],
    ['7 characters of two units each', '\u{1f600}'.repeat(7), 'too_short'],
    ['4 characters that were 8 before NFC', 'e\u0301'.repeat(4), 'too_short'],
    ['1025 characters', 'a'.repeat(1025), 'too_long'],
    ['1024 characters of more bytes', '\u20ac'.repeat(1024), 'too_long'],
  ])('refuses to register one of %s', async (_title, password, code) => {
    expectProblem(await sendJson(register, { ...good(register), password }), 'invalid_input', {
      '/password': code,
    })
  })

  test('refuses 100,000 characters before anything is hashed', async () => {
    for (const operation of [register, login])
      expectProblem(
        await sendJson(operation, { ...good(operation), password: CANARY.repeat(8000) }),
        'payload_too_large',
      )
  })

  test('I13 refuses blank and missing ones at login like any wrong one, or by name', async () => {
    for (const password of ['', ' ', '        '])
      expectProblem(await sendJson(login, { ...good(login), password }), 'invalid_credentials')
    expectProblem(await sendJson(login, { email: tokens.user.email }), 'invalid_input', {
      '/password': 'missing',
    })
    expectProblem(await sendJson(login, { ...good(login), password: null }), 'invalid_input', {
      '/password': 'wrong_type',
    })
    stored = await countRows()
  })

  test('refuses the obvious: common ones, the address, its local part, the tenant', async () => {
    const email = newEmail()
    for (const password of [
      'password',
      'PASSWORD1',
      '12345678',
      email,
      email.toUpperCase(),
      email.split('@')[0],
      client.tenant.host,
    ])
      expectProblem(await sendJson(register, { email, password }), 'password_compromised', {
        '/password': 'password_compromised',
      })
  })
})

describe('names', () => {
  test.each([
    '',
    ' ',
    '\u00a0',
    '\u200b',
    ' \ufeff\u2060\t',
    'a'.repeat(201),
    `a\nb${CANARY}`,
    'a\u0085b',
    'a\u2028b',
    '\u001b[31mred',
    'a\tb',
  ])('refuses the name %j', async (name) => {
    for (const operation of [register, updateMe]) {
      const { body } = await sendJson(operation, { ...good(operation), name })
      expect(body).toMatchObject({ code: 'invalid_input', errors: [{ pointer: '/name' }] })
    }
  })
})

describe('refresh tokens', () => {
  test('refuses garbage in the body and in the cookie', async () => {
    const { refresh_token } = tokens
    const garbage = [
      'x',
      CANARY,
      'lkr_',
      `lkr_${'A'.repeat(42)}`,
      `lkr_${'A'.repeat(44)}`,
      `${refresh_token}=`,
      ` ${refresh_token}`,
      refresh_token.toUpperCase(),
      refresh_token.replace('lkr_', 'lkx_'),
      `lkr_${'!'.repeat(43)}`,
      'null',
      '[object Object]',
      '%00',
      `${refresh_token.slice(0, -1)}B`,
    ]
    for (const operation of [refresh, logout])
      for (const token of garbage) {
        expectProblem(await sendJson(operation, { refresh_token: token }), 'invalid_grant')
        const headers = {
          cookie: `__Host-latchkey=${token.trim() === token ? token : 'x'}`,
          'sec-fetch-site': 'same-origin',
        }
        const answer = await client.call(operation.path, { method: 'POST', headers })
        // A browser with such a cookie is signed out already, and can be rid of it in no other way.
        if (operation === logout) expect(answer.status).toBe(204)
        else expectRefusal(answer, 'invalid_grant', [CLEARED])
        expectNoEcho(answer)
      }
    for (const operation of [refresh, logout])
      expectProblem(await sendJson(operation, { refresh_token: CANARY.repeat(50) }), 'invalid_input', {
        '/refresh_token': 'too_long',
      })
    expectProblem(await sendJson(refresh, {}), 'no_session')
    for (const cookie of [
      '',
      ';',
      '=',
      ';;;=;',
      '__Host-latchkey',
      'a'.repeat(8000),
      '\u00ff\u00fe',
      '__Host-latchkey;=',
      '%00=%00',
    ])
      expectProblem(
        await client.call('/v1/refresh', {
          method: 'POST',
          headers: { cookie, 'sec-fetch-site': 'same-origin' },
        }),
        'no_session',
      )
  })
})

describe('hosts, paths, methods and queries', () => {
  const tells: [string, string][] = [
    ['GET', '/.well-known/jwks.json'],
    ['GET', '/.well-known/openid-configuration'],
    ['GET', '/v1/me'],
    ['PATCH', '/v1/me'],
    ['GET', '/v1/sessions'],
    ['DELETE', '/v1/sessions'],
    ['POST', '/v1/register'],
    ['POST', '/v1/login'],
    ['POST', '/v1/refresh'],
    ['POST', '/v1/logout'],
  ]
  test('answers 421 to a host that is no tenant of ours', async () => {
    for (const host of [
      'stranger.test', // logged: it is what an operator looks for when a host was not set up
      `x.${client.tenant.host}`,
      `${client.tenant.host}.`,
      `${client.tenant.host}:8443`,
      'localhost',
      '[::1]',
    ]) {
      const stranger = createClient(service, { ...client.tenant, host, origin: `http://${host}` })
      for (const [method, path] of tells) {
        const operation = bodyOperations.find(
          (candidate) => candidate.path === path && candidate.method === method,
        )
        const json = operation && good(operation)
        const bearer = path === '/v1/me' || path === '/v1/sessions' ? tokens.access_token : undefined
        const answer = await stranger.call(path, { method, ...(json && { json }), ...(bearer && { bearer }) })
        expect({ path, host, code: answer.body.code }).toEqual({ path, host, code: 'unknown_host' })
        expectProblem(answer, 'unknown_host')
        expectNoEcho(answer)
      }
    }
  })

  test('answers 404 to a path that is nothing, whatever the method', async () => {
    for (const path of [
      '/v1/nothing',
      `/${CANARY}`,
      '/v1/login/',
      '/V1/login',
      '/v1/LOGIN',
      '/v1/login;x',
      '/v1/login%2f',
      '//v1/login',
      '/v1/sessions/a/b',
      '/favicon.ico',
    ])
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD']) {
        const answer = await client.call(path, {
          method,
          ...(method === 'POST' && { json: { email: CANARY } }),
        })
        expect({ path, status: answer.status }).toEqual({ path, status: 404 })
        if (method !== 'HEAD') expectProblem(answer, 'not_found')
        expectNoEcho(answer)
      }
  })

  test('H04 takes an encoded spelling of a path for the path itself, limits included', async () => {
    const { status, trips } = await client.call('/v1/%6c%6fgin', {
      json: { email: newEmail(), password: PASSWORD },
    })
    expect({ status, redis: trips.redis > 0 }).toEqual({ status: 401, redis: true })
  })

  /** @param path with the id of its example, in whose place may be any word */
  const isTakenBy = (path: string, pathname: string) =>
    new RegExp(`^${path.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '[^/]+')}$`).test(pathname)

  test('answers 405 to another method and lists the right ones', async () => {
    const pathnames = new Set(allOperations.map(({ path }) => path.split('?')[0] ?? ''))
    for (const pathname of pathnames) {
      const taken = allOperations
        .filter(({ path }) => isTakenBy(path.split('?')[0] ?? '', pathname))
        .flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
      const listed = ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE']
        .filter((one) => taken.includes(one))
        .join(', ')
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter(
        (other) => !listed.includes(other),
      )) {
        const answer = await client.call(pathname, { method, bearer: tokens.access_token })
        expectProblem(answer, 'method_not_allowed')
        expect({ pathname, method, allow: answer.headers.get('allow') }).toEqual({
          pathname,
          method,
          allow: listed,
        })
      }
    }
  })

  test('I12 refuses unknown, repeated and malformed parameters of a query, by name', async () => {
    const cases: [string, Record<string, string>][] = [
      ['sort=name', { '/sort': 'unknown_field' }],
      [`filter=${CANARY}`, { '/filter': 'unknown_field' }],
      ['limit=1&limit=2', { '/limit': 'repeated' }],
      ['limit=1&%6cimit=2', { '/limit': 'repeated' }],
      ...['0', '101', '-1', '1e1', '', ' 1', '1.5', '٣', '1;drop', '1000', '%00', '%ff'].map(
        (limit): [string, Record<string, string>] => [`limit=${limit}`, { '/limit': 'out_of_range' }],
      ),
      ['__proto__=1', { '/__proto__': 'unknown_field' }],
      ['constructor=1', { '/constructor': 'unknown_field' }],
      ['limit[]=1', { '/limit[]': 'unknown_field' }],
      [`cursor=${CANARY}`, { '/cursor': 'invalid_cursor' }],
      [`cursor=${'a'.repeat(201)}`, { '/cursor': 'invalid_cursor' }],
    ]
    for (const [query, errors] of cases) {
      const answer = await client.call(`/v1/sessions?${query}`, { bearer: tokens.access_token })
      expectProblem(answer, 'invalid_input', errors)
      expectNoEcho(answer)
    }
    for (const query of ['except=', 'except=others', 'except=current&except=current', 'all=1'])
      expectProblem(
        await client.call(`/v1/sessions?${query}`, { method: 'DELETE', bearer: tokens.access_token }),
        'invalid_input',
      )
  })
})

test('J11 takes a caller who hangs up in the middle of a body for their own fault, not for ours', async () => {
  const before = service.logs().length
  const lines = [`Host: ${client.tenant.host}`, 'Content-Type: application/json', 'Content-Length: 100']
  const { port, hostname } = service.url
  const socket = net.connect(Number(port), hostname)
  socket.write(rawRequest('POST /v1/login HTTP/1.1', lines, `{"email":"${CANARY}`))
  socket.once('error', () => {}) // the server may reset what we close
  // Closed only once the Worker has begun to read: a later request on another connection was answered.
  expect((await client.call('/v1/me', { bearer: tokens.access_token })).status).toBe(200)
  socket.end()
  const answered = () =>
    service
      .logs()
      .slice(before)
      .filter((line) => line.includes('"/v1/login"'))
  await expect.poll(answered).toEqual([expect.stringContaining('"status":400')])
})

test('N03 N04 writes one JSON line per request, of our own words, whatever a header holds', async () => {
  const before = service.logs().length
  const headers = {
    'user-agent': `${CANARY}"}\t{"level":"error"`,
    'x-request-id': CANARY,
    origin: `https://${CANARY}.test`,
    referer: CANARY,
    traceparent: CANARY,
    cookie: `a=${CANARY}`,
    'cf-connecting-ip': CANARY,
  }
  const answer = await client.call(`/v1/me?x=${CANARY}`, {
    headers: { ...headers, authorization: `Bearer ${CANARY}` },
  })
  expectProblem(answer, 'invalid_token')
  expect(answer.headers.get('x-request-id')).not.toContain(CANARY)
  const lines = service
    .logs()
    .slice(before)
    .map((line) => JSON.parse(line))
  expect(lines.filter(({ message }) => message === 'request')).toHaveLength(1)
})
