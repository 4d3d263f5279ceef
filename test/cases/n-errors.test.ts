/** CASES.md group N: errors that open nothing, and logs that tell operators everything and thieves nothing. */
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Client, createClient, newClient, newEmail, race, type Tokens } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { OPERATIONS } from '../support/operations.ts'
import { rawRequest, sendRaw } from '../support/raw.ts'
import { startService, useService } from '../support/service.ts'

const service = useService()
let client: Client

beforeAll(async () => {
  client = await newClient(service())
})
afterEach(() => {
  service().gates.postgres.set('open')
  service().gates.redis.set('open')
})

type Line = Record<string, unknown>
const linesSince = (count: number): Line[] =>
  service()
    .logs()
    .slice(count)
    .map((line) => JSON.parse(line))
const requestLine = (requestId: string | null) =>
  linesSince(0).find((line) => line.message === 'request' && line.request_id === requestId)

const PROTECTED = OPERATIONS.filter(({ path }) => !path.startsWith('/.well-known'))

describe.each(['tenant_hosts', 'tenants', 'users', 'sessions', 'signing_keys', 'refresh_tokens'])(
  'while %s cannot be read',
  (table) => {
    test('N01 no operation lets anyone in, and none blames the caller', async () => {
      const asked = await Promise.all(
        PROTECTED.map(async (operation) => {
          const caller = await newClient(service())
          const { tokens } = await caller.newAdmin()
          const call = (await operation.prepare?.(caller, tokens)) ?? (() => operation.call(caller, tokens))
          return { operation, caller, tokens, call }
        }),
      )
      await service().sql(`alter table ${table} rename to ${table}_away`)
      try {
        for (const { operation, call } of asked) {
          const { status, headers } = await call()
          // An operation that does not need the table may do its work.
          expect(status, operation.name).toBeOneOf([...operation.successes, 503])
          if (table === 'tenant_hosts') expect(status, operation.name).toBe(503)
          if (status === 503) expect(headers.get('set-cookie')).toBeNull()
        }
      } finally {
        await service().sql(`alter table ${table}_away rename to ${table}`)
      }
      for (const { caller, tokens } of asked.slice(0, 1))
        expect((await caller.me(tokens.access_token)).status).toBe(200)
    })
  },
)

describe('errors', () => {
  test('N01 a limiter that answers nonsense is a limiter that is down', async () => {
    const { email, tokens } = await client.signUpAdmin()
    const wrongToken = await startService({
      beside: service(),
      bindings: { UPSTASH_REDIS_REST_TOKEN: 'not the token' },
    })
    try {
      const caller = createClient(wrongToken, client.tenant)
      expect((await caller.refresh(tokens.refresh_token)).status).toBe(200)
      // Ten a minute for an address; a new minute may begin in between.
      const guesses = await race(21, () => caller.login(email))
      expect(guesses.filter(({ status }) => status === 429).length).toBeGreaterThan(0)
    } finally {
      await wrongToken.stop()
    }
  })

  test('N02 a database that refuses is a plain 503: no host, no user, no statement', async () => {
    const { tokens } = await client.signUpAdmin()
    service().gates.postgres.set('refusing')
    for (const operation of PROTECTED) {
      const problem = expectProblem(await operation.call(client, tokens), 'upstream_unavailable')
      expect(Object.keys(problem).toSorted()).toEqual(['code', 'request_id', 'status', 'title', 'type'])
    }
  })

  test('N06 text that no schema expects is a 4xx everywhere, and the next request is fine', async () => {
    const { tokens } = await client.signUpAdmin()
    const odd = [
      '{}',
      '[]',
      '""',
      '{"email":{}}',
      '{"password":[]}',
      '{"refresh_token":0}',
      '\u0000',
      '{"a":'.repeat(50),
    ]
    for (const { method, path } of OPERATIONS.filter(({ method }) => method !== 'GET')) {
      for (const body of odd) {
        const { status } = await client.call(path.replace(':id', crypto.randomUUID()), {
          method,
          body,
          headers: { 'content-type': 'application/json' },
        })
        expect(status).toBeLessThan(500)
      }
    }
    expect((await client.me(tokens.access_token)).status).toBe(200)
  })

  test('N07 shows no metrics, no debugging and no versions, and its health says ok or failed alone', async () => {
    for (const path of [
      '/metrics',
      '/debug',
      '/debug/pprof',
      '/admin',
      '/status',
      '/env',
      '/.env',
      '/server-info',
    ])
      expectProblem(await client.call(path), 'not_found')
    expect((await client.call('/healthz')).body).toEqual({ status: 'ok' })
    service().gates.redis.set('refusing')
    const { status, body, headers } = await client.call('/readyz')
    expect({ status, body }).toEqual({
      status: 503,
      body: { status: 'failed', postgres: 'ok', redis: 'failed', signing_key: 'ok', auth_keys: 'ok' },
    })
    expect([...headers.keys()]).not.toContain('x-powered-by')
    expect(headers.get('server') ?? '').not.toMatch(/\d/)
  })
})

describe('logs', () => {
  test('N03 repeats no secret of a body, a header, a query or a cookie, whatever the answer', async () => {
    const { email, tokens } = await client.signUpAdmin()
    const before = service().logs().length
    const canary = () => `canary${crypto.randomUUID().replaceAll('-', '')}`
    const headers = {
      authorization: `Bearer ${canary()}`,
      cookie: `__Host-latchkey=${canary()}; __Host-latchkey-device=${canary()}; other=${canary()}`,
      'x-api-key': canary(),
      'idempotency-key': canary(),
      origin: 'https://elsewhere.example', // a refused one is told to the operator
      referer: `https://example.com/?token=${canary()}`,
    }
    for (const { method, path } of OPERATIONS) {
      const url = `${path.replace(':id', canary())}?access_token=${canary()}`
      const json = { email, password: canary(), refresh_token: canary(), [canary()]: { nested: [canary()] } }
      await client.call(url, { method, headers, ...(method !== 'GET' && { json }) })
      await client.call(url, { method, headers: { authorization: `Bearer ${tokens.access_token}` } })
    }
    await client.login(email, canary())
    await client.register(email, canary())
    const written = service().logs().slice(before)
    expect(written.length).toBeGreaterThan(2 * OPERATIONS.length)
    for (const line of written) expect(line).not.toMatch(/canary/)
  })

  test('N04 stays one JSON object a line, no matter what a caller writes into a header', async () => {
    const before = service().logs().length
    const nasty = 'x"}\\r\\n{"level":"error","message":"forged"}\u001b[31m\u2028'
    await client.call('/v1/login', {
      json: { email: newEmail(), password: 'wrong' },
      headers: { 'user-agent': encodeURI(nasty), 'x-request-id': 'mine', 'x-correlation-id': 'forged' },
    })
    await sendRaw(
      service(),
      rawRequest('GET /v1/%0d%0a%7b%22forged%22%3a1%7d HTTP/1.1', [
        `Host: ${client.tenant.host}`,
        'User-Agent: \u001b[31m"}{"forged":true}',
        'X-Request-Id: mine',
      ]),
    )
    const lines = linesSince(before)
    expect(lines).toHaveLength(2)
    for (const line of lines) {
      expect(line.message).toBe('request')
      expect(line.request_id).toMatch(/^[0-9a-f-]{36}$/)
      expect(JSON.stringify(line)).not.toMatch(/forged|mine|\\u001b/)
    }
  })

  test('N05 tells the operator of every refused attempt: who, where, what, and why', async () => {
    const { email, tokens } = await client.signUpAdmin()
    const attempts: [string, () => Promise<{ headers: Headers }>, Line][] = [
      [
        'a wrong password',
        () => client.login(email, 'wrong one'),
        { code: 'invalid_credentials', reason: 'wrong password' },
      ],
      [
        'an unknown account',
        () => client.login(newEmail()),
        { code: 'invalid_credentials', reason: 'unknown account' },
      ],
      [
        'a forged access token',
        () => client.me(`${tokens.access_token.slice(0, -8)}AAAAAAAA`),
        { code: 'invalid_token' },
      ],
      [
        'a refresh token that does not exist',
        () => client.refresh(`lkr_${'A'.repeat(43)}`),
        { code: 'invalid_grant', reason: 'unknown token' },
      ],
    ]
    for (const [what, attempt, expected] of attempts) {
      const { headers } = await attempt()
      expect(requestLine(headers.get('x-request-id')), what).toMatchObject({
        level: 'info',
        tenant: client.tenant.slug,
        limiter: 'allowed',
        address: expect.stringMatching(/\.0\/24$/),
        operation: expect.stringMatching(/^\/v1\//),
        status: 401,
        duration_ms: expect.any(Number),
        postgres_trips: expect.any(Number),
        redis_trips: expect.any(Number),
        ...expected,
      })
    }
  })

  test('N05 tells of a limit, a delay, and a part that is down', async () => {
    const { email, tokens } = await client.signUpAdmin()
    for (let guess = 0; guess < 5; guess++) await client.login(email, 'wrong one')
    const delayed = await client.login(email)
    expect(requestLine(delayed.headers.get('x-request-id'))).toMatchObject({
      code: 'rate_limited',
      limit: 'failures',
      consecutive_failures: 5,
    })
    service().gates.redis.set('refusing')
    const degraded = await refreshed(tokens)
    expect(requestLine(degraded)).toMatchObject({
      status: 200,
      limiter: 'degraded',
      limiter_policy: 'open',
      limiter_cause: 'redis could not be reached',
    })
  })

  const refreshed = async ({ refresh_token }: Tokens) =>
    (await client.refresh(refresh_token)).headers.get('x-request-id')
})
