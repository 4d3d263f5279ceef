/** What every answer carries, good or bad: nothing is kept by a cache except what is public, nothing is framed or sniffed. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EVERY_OPERATION, operationCalled } from '../operations.ts'
import { type Answer, type Client, createClient, newEmail, PASSWORD, type Tokens } from '../support/client.ts'
import {
  allOperations,
  bodyOperations,
  type Operation,
  OTHER_ID,
  perform,
  publicOperations,
} from '../support/http-operations.ts'
import { lendService, type Service, startService } from '../support/service.ts'

let service: Service
/** The same Workers with a database that refuses every connection. */
let broken: Service
let client: Client
let tokens: Tokens

beforeAll(async () => {
  ;[service, broken] = await Promise.all([
    lendService({ bindings: { LIMITS_MULTIPLIER: '1000' } }), // each operation has an account of its own
    startService({
      bindings: { DATABASE_URL: 'postgresql://canary-user:canary-password@127.0.0.1:9/canary-db' },
    }),
  ])
  client = createClient(service, await service.newTenant({ allowedOrigins: ['https://app.good.test'] }))
  ;({ tokens } = await client.newAccount())
})
afterAll(() => Promise.all([service.stop(), broken.stop()]))

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

function expectHeaders({ headers }: Answer<unknown>, caching = 'no-store') {
  expect(Object.fromEntries(headers)).toMatchObject({
    'cache-control': expect.stringMatching(new RegExp(`^${caching}$`)),
    'strict-transport-security': 'max-age=31536000; includeSubDomains',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'x-request-id': expect.stringMatching(UUID),
  })
  for (const name of ['server', 'x-powered-by', 'etag', 'last-modified', 'expires', 'age'])
    expect(headers.get(name)).toBeNull()
  if (caching !== 'no-store') expect(headers.get('set-cookie')).toBeNull()
}

/** The same operation with a token or an app that is alive, where it takes one: those of the table are no one's. */
function redeeming({ title }: Operation) {
  return EVERY_OPERATION.find(
    ({ id, purpose, needsFactor, isMade }) =>
      id === title &&
      id !== 'tenantLogo' && // one that there is may be kept (test/tenants/logo.test.ts)
      (purpose !== null || needsFactor || isMade),
  )
}

describe('every operation', () => {
  test.each(allOperations.map((operation) => [operation.title, operation] as const))(
    'J06 J12 %s: answered, refused and asked wrongly',
    async (title, operation) => {
      const isPublic = publicOperations.some((other) => other.title === title)
      const caching = isPublic ? `public, max-age=${title === 'statusList' ? '[0-8]' : 600}` : 'no-store'
      const own = (await client.newAdmin()).tokens
      const isOfNobody = operation.path.includes(OTHER_ID)
      const answered = await (redeeming(operation)?.call(client, own) ??
        perform(client, operation, own, { cookie: '__Host-latchkey=x; a=b' }))
      expect(answered.status).toBeLessThan(isOfNobody ? 405 : 400)
      expectHeaders(answered, caching)
      expectHeaders(await client.call(operation.path, { method: 'PUT' }))
      expectHeaders(await client.call(operation.path, { method: 'OPTIONS' }))
      if (operation.method === 'GET')
        expectHeaders(await client.call(operation.path, { method: 'HEAD' }), caching)
      if (operation.by === 'bearer')
        expectHeaders(
          await client.call(operation.path, { method: operation.method, json: operation.body?.(own) }),
        )
    },
  )

  test.each(bodyOperations.map((operation) => [operation.title, operation] as const))(
    'J06 J12 %s: every refusal of its input',
    async (title, { method, path }) => {
      const { maxBodyBytes = 0 } = operationCalled(title)
      const json = { 'content-type': 'application/json' }
      const send = () =>
        client.call(path, { method, body: `"${'a'.repeat(maxBodyBytes + 20_000)}"`, headers: json })
      // The body is not read, so the connection may close before the answer is: then it is asked for once more.
      const tooLarge = () =>
        send().catch((error) => {
          if (error?.cause?.message === 'other side closed') return send()
          throw error
        })
      const refused = [
        await client.call(path, { method, body: '{', headers: json }), // 400
        await client.call(path, { method, body: '{}', headers: { 'content-type': 'text/plain' } }), // 415
        await tooLarge(), // 413
        await client.call(path, { method, json: { a: 1 } }), // 422
        await client.call(path, { method, json: { a: 1 }, headers: { origin: 'https://evil.test' } }),
      ]
      for (const answer of refused) expectHeaders(answer)
    },
  )

  test('J06 J12 unknown paths, unknown hosts, preflights, conflicts and wrong passwords', async () => {
    const stranger = createClient(service, { ...client.tenant, origin: 'http://nobody.test' })
    const asked = { origin: 'https://app.good.test', 'access-control-request-method': 'POST' }
    const answers = [
      await client.call('/nothing'),
      await client.call('/.well-known/jwks.json/x.css'),
      await client.call('/.well-known/jwks.json', { method: 'POST' }),
      await stranger.call('/.well-known/jwks.json'),
      await stranger.call('/.well-known/openid-configuration'),
      await client.call('/v1/login', { method: 'OPTIONS', headers: asked }),
      await client.call('/v1/login', {
        method: 'OPTIONS',
        headers: { ...asked, origin: 'https://evil.test' },
      }),
      await client.register(tokens.user.email),
      await client.login(newEmail()),
    ]
    for (const answer of answers) expectHeaders(answer)
  })

  test('J06 keeps an answer with a cookie out of every cache', async () => {
    const answer = await client.call('/v1/login', {
      json: { email: tokens.user.email, password: PASSWORD, transport: 'cookie' },
    })
    expect(answer.headers.getSetCookie()).toHaveLength(2) // the refresh token's, and the known browser's
    expectHeaders(answer)
  })

  test('gives each answer an id of its own, whatever the client proposes', async () => {
    const headers = { 'x-request-id': '00000000-0000-4000-8000-000000000000' }
    const ids = await Promise.all(
      Array.from({ length: 20 }, async () =>
        (await client.call('/healthz', { headers })).headers.get('x-request-id'),
      ),
    )
    expect(new Set(ids).size).toBe(20)
    expect(ids).not.toContain(headers['x-request-id'])
  })
})

describe('with no database', () => {
  // The document of the operations is in the Worker: it says the same with or without one, and many words.
  const asking = allOperations.filter(({ title }) => title !== 'openapi')

  test.each(asking.map((operation) => [operation.title, operation] as const))(
    'N02 %s: answers without a word on what is behind',
    async (title, operation) => {
      const stranger = createClient(broken, client.tenant)
      const own = { ...tokens, refresh_token: tokens.refresh_token }
      const answer = await perform(stranger, operation, own, { origin: 'https://app.good.test' })
      expectHeaders(answer)
      // A flow at a provider is asked for in a query and in a form, and refused before anything is read.
      const isFlow = title === 'startSocialSignIn' || title === 'finishPostedSocialSignIn'
      expect(answer.status).toBeOneOf(title === 'healthz' ? [200] : isFlow ? [415, 422] : [503])
      expect(JSON.stringify([answer.body, [...answer.headers]])).not.toMatch(
        /canary|127\.0\.0\.1|select |neon|drizzle|ECONN| at /,
      )
      expect(answer.headers.get('www-authenticate')).toBeNull()
      expect(answer.headers.get('access-control-allow-origin')).toBeNull()
      if (answer.status === 503 && title !== 'readyz') {
        expect(answer.body).toMatchObject({ code: 'upstream_unavailable' })
        expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
      }
    },
  )

  test('N02 N07 logs that the database is away, without its address, user or password', async () => {
    const stranger = createClient(broken, client.tenant)
    const ready = await stranger.call('/readyz')
    expect(ready.body).toEqual({
      status: 'failed',
      postgres: 'failed',
      redis: 'ok',
      signing_key: 'unknown',
      auth_keys: 'unknown',
    })
    const lines = broken.logs()
    expect(lines.join('\n')).toMatch(/postgres (could not be reached|answered HTTP)/)
    expect(lines.join('\n')).not.toMatch(/canary|127\.0\.0\.1|select |insert /)
  })
})
