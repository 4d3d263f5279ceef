/** Which web pages may call (CSRF) and which may read the answer (CORS). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Client, createClient, newEmail, PASSWORD } from '../support/client.ts'
import { bearerOperations, perform } from '../support/http-operations.ts'
import { expectProblem } from '../support/problem.ts'
import { lendService, type Service } from '../support/service.ts'

const GOOD = 'https://app.good.test'
const SECOND = 'https://other.good.test:8443'
const STRANGERS = [
  'https://evil.test',
  'null',
  `${GOOD}.evil.test`,
  'https://sub.app.good.test',
  'http://app.good.test',
  `${GOOD}:444`,
  `${GOOD}/`,
  'https://app.good.tes',
  'HTTPS://APP.GOOD.TEST',
  `${GOOD},https://evil.test`,
  `${GOOD} https://evil.test`,
  'https://app.good.test\u00e9',
  'file://',
  'chrome-extension://abc',
  '*',
]

let service: Service
let client: Client
let account: Awaited<ReturnType<Client['newAccount']>>

beforeAll(async () => {
  service = await lendService()
  client = createClient(service, await service.newTenant({ allowedOrigins: [GOOD, SECOND] }))
  account = await client.newAccount()
})
afterAll(() => service.stop())

const corsOf = (headers: Headers) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-')))
const readable = (origin: string) => ({
  'access-control-allow-origin': origin,
  'access-control-allow-credentials': 'true',
  'access-control-expose-headers':
    'retry-after, ratelimit, ratelimit-policy, idempotent-replayed, server-timing, x-request-id',
})
const MAY_SEND =
  'authorization, content-type, idempotency-key, traceparent, tracestate, baggage, sentry-trace, x-datadog-trace-id, ' +
  'x-datadog-parent-id, x-datadog-origin, x-datadog-sampling-priority, newrelic, request-id, request-context'

describe('an allowed origin', () => {
  test('may sign in, refresh by cookie and sign out, and read each answer', async () => {
    const headers = { origin: GOOD, 'sec-fetch-site': 'cross-site' }
    const json = { email: newEmail(), password: PASSWORD, transport: 'cookie' }
    const signedUp = await client.call('/v1/register', { json, headers })
    expect(signedUp.status).toBe(201)
    const cookie = (signedUp.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
    const refreshed = await client.call('/v1/refresh', { method: 'POST', headers: { ...headers, cookie } })
    expect(refreshed.status).toBe(200)
    const out = await client.call('/v1/logout', { method: 'POST', headers: { ...headers, cookie } })
    expect(out.status).toBe(204)
    for (const answer of [signedUp, refreshed, out]) {
      expect(corsOf(answer.headers)).toEqual(readable(GOOD))
      expect(answer.headers.get('vary')).toBe('Origin')
    }
  })

  test('may read refusals too, whatever they are for', async () => {
    const headers = { origin: SECOND }
    const refusals = [
      client.call('/v1/me', { headers }),
      client.call('/v1/me', { headers, bearer: 'x' }),
      client.call('/v1/nothing', { headers }),
      client.call('/v1/login', { headers }),
      client.call('/v1/login', { headers, json: {} }),
      client.call('/v1/login', { headers, json: { email: newEmail(), password: PASSWORD } }),
      client.call('/v1/login', { method: 'POST', headers, body: 'x' }),
    ]
    for (const { status, headers: answered } of await Promise.all(refusals)) {
      expect(status).toBeGreaterThanOrEqual(400)
      expect(corsOf(answered)).toEqual(readable(SECOND))
    }
  })

  test('gets a preflight that says what the path takes and reflects nothing', async () => {
    const asked = {
      origin: GOOD,
      'access-control-request-method': 'DELETE',
      'access-control-request-headers': 'x-evil, authorization',
    }
    for (const [path, methods] of [
      ['/v1/me', 'GET, HEAD, PATCH, DELETE'],
      ['/v1/login', 'POST'],
      ['/v1/sessions', 'GET, HEAD, DELETE'],
      ['/v1/sessions/x', 'DELETE'],
    ] as const) {
      const { status, headers } = await client.call(path, { method: 'OPTIONS', headers: asked })
      expect(status).toBe(204)
      expect(corsOf(headers)).toEqual({
        ...readable(GOOD),
        'access-control-allow-methods': methods,
        'access-control-allow-headers': MAY_SEND,
        'access-control-max-age': '7200',
      })
      expect(headers.get('vary')).toBe('Origin')
    }
    expectProblem(await client.call('/v1/nothing', { method: 'OPTIONS', headers: asked }), 'not_found')
  })

  test.each([
    ['OpenTelemetry', 'baggage,content-type,traceparent,tracestate'],
    ['Sentry', 'authorization,baggage,content-type,sentry-trace,traceparent'],
    [
      'Datadog',
      'content-type,traceparent,tracestate,x-datadog-origin,x-datadog-parent-id,x-datadog-sampling-priority,x-datadog-trace-id',
    ],
    ['New Relic', 'authorization,newrelic,traceparent,tracestate'],
    ['Application Insights', 'authorization,request-context,request-id,traceparent'],
    ['no tracing, with a key to repeat by', 'content-type,idempotency-key'],
  ])('clients 14: may sign in with what %s adds to a page', async (_, asked) => {
    const { status, headers } = await client.call('/v1/login', {
      method: 'OPTIONS',
      headers: {
        origin: GOOD,
        'access-control-request-method': 'POST',
        'access-control-request-headers': asked,
      },
    })
    const allowed = headers.get('access-control-allow-headers')?.split(', ')
    expect({ status, refused: asked.split(',').filter((name) => !allowed?.includes(name)) }).toEqual({
      status: 204,
      refused: [],
    })
    const sent = asked.split(',').filter((name) => !['content-type', 'authorization'].includes(name))
    const json = { email: newEmail(), password: PASSWORD }
    const answer = await client.call('/v1/register', {
      json,
      headers: { origin: GOOD, ...Object.fromEntries(sent.map((name) => [name, crypto.randomUUID()])) },
    })
    expect(answer.status).toBe(201)
  })

  test('clients 14: may read that an answer is a repeated one, how long to wait, and what took the time', async () => {
    const headers = { origin: GOOD, 'idempotency-key': crypto.randomUUID() }
    const json = { email: newEmail(), password: PASSWORD }
    await client.call('/v1/register', { json, headers })
    const { headers: answered } = await client.call('/v1/register', { json, headers })
    const exposed = answered.get('access-control-expose-headers')?.split(', ')
    for (const name of ['idempotent-replayed', 'server-timing']) {
      expect(answered.get(name), name).not.toBeNull()
      expect(exposed).toContain(name)
    }
    for (const name of ['retry-after', 'ratelimit', 'ratelimit-policy']) expect(exposed).toContain(name)
  })

  test('may no longer call once the tenant took it off the list', async () => {
    const own = createClient(service, await service.newTenant({ allowedOrigins: [GOOD] }))
    const headers = { origin: GOOD }
    const json = { email: newEmail(), password: PASSWORD }
    expect((await own.call('/v1/register', { json, headers })).status).toBe(201)
    await service.sql(`update tenants set allowed_origins = '{}' where id = $1`, [own.tenant.id])
    expectProblem(await own.call('/v1/login', { json, headers }), 'origin_not_allowed')
  })
})

describe('the tenant itself', () => {
  test('may call from its own origin without being listed', async () => {
    const own = createClient(service, await service.newTenant())
    const headers = { origin: own.tenant.origin }
    const json = { email: newEmail(), password: PASSWORD, transport: 'cookie' }
    const { status, headers: answered } = await own.call('/v1/register', { json, headers })
    expect(status).toBe(201)
    expect(corsOf(answered)).toEqual({})
    const cookie = (answered.get('set-cookie') ?? '').split(';')[0] ?? ''
    expect((await own.call('/v1/refresh', { method: 'POST', headers: { ...headers, cookie } })).status).toBe(
      200,
    )
  })
})

describe.each(STRANGERS)('the origin %j', (origin) => {
  const headers = { origin }

  test('may not write, with or without a cookie, and reads nothing', async () => {
    const { email, tokens } = account
    const cookie = {
      ...headers,
      cookie: `__Host-latchkey=${tokens.refresh_token}`,
      'sec-fetch-site': 'same-origin',
    }
    const refused = [
      await client.call('/v1/login', { json: { email, password: PASSWORD }, headers }),
      await client.call('/v1/register', { json: { email: newEmail(), password: PASSWORD }, headers }),
      await client.call('/v1/refresh', { json: { refresh_token: tokens.refresh_token }, headers }),
      await client.call('/v1/logout', { json: { refresh_token: tokens.refresh_token }, headers }),
      await client.call('/v1/refresh', { method: 'POST', headers: cookie }),
      await client.call('/v1/logout', { method: 'POST', headers: cookie }),
    ]
    for (const operation of bearerOperations) refused.push(await perform(client, operation, tokens, headers))
    for (const answer of refused) {
      expectProblem(answer, 'origin_not_allowed')
      expect(corsOf(answer.headers)).toEqual({})
    }
    const [stored] = await service.sql('select used_at from refresh_tokens where session_id = $1', [
      tokens.session.id,
    ])
    expect(stored).toEqual({ used_at: null })
    expect((await client.call('/v1/me', { bearer: tokens.access_token })).status).toBe(200)
  })

  test('gets no permission in advance', async () => {
    const asked = { ...headers, 'access-control-request-method': 'POST' }
    const answer = await client.call('/v1/login', { method: 'OPTIONS', headers: asked })
    expectProblem(answer, 'origin_not_allowed')
    expect(corsOf(answer.headers)).toEqual({})
  })
})

describe('every origin', () => {
  test('may read keys and metadata from any page, but without credentials', async () => {
    for (const path of ['/.well-known/jwks.json', '/.well-known/openid-configuration'])
      for (const origin of ['https://evil.test', 'null', GOOD])
        expect(corsOf((await client.call(path, { headers: { origin } })).headers)).toEqual({
          'access-control-allow-origin': '*',
        })
  })

  test('H13 reads no answer longer by asking for a list of headers of 60 kB', {
    timeout: 5_000,
  }, async () => {
    for (const list of [','.repeat(60_000), `${' '.repeat(60_000)}x`, 'x-a, '.repeat(12_000)]) {
      const headers = {
        origin: GOOD,
        'access-control-request-method': 'POST',
        'access-control-request-headers': list,
      }
      const answer = await client.call('/v1/login', { method: 'OPTIONS', headers })
      expect(answer.status).toBe(204)
      expect(answer.headers.get('access-control-allow-headers')).toBe(MAY_SEND)
    }
  })
})

test('never allows the origin "null", not even where a tenant lists it', async () => {
  const careless = createClient(service, await service.newTenant({ allowedOrigins: ['null', '*', ''] }))
  for (const origin of ['null', 'https://evil.test']) {
    const answer = await careless.call('/v1/register', {
      json: { email: newEmail(), password: PASSWORD },
      headers: { origin },
    })
    expect({ origin, status: answer.status, cors: corsOf(answer.headers) }).toEqual({
      origin,
      status: 403,
      cors: {},
    })
  }
})
