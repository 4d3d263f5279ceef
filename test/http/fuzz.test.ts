/**
 * N06: two thousand requests that a generator made up, over every path, some nearly right and some not at all.
 * No answer is a 5xx, each refusal has the one form, and afterwards the service works as before. Seeded: a failure repeats.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type Client,
  createClient,
  newEmail,
  PASSWORD,
  randomAddress,
  type Tokens,
} from '../support/client.ts'
import { allOperations, type Operation } from '../support/http-operations.ts'
import { lendService, type Service } from '../support/service.ts'

const SEED = 20_261_121
const REQUESTS = 3_000
const AT_ONCE = 20

let service: Service
let client: Client
let tokens: Tokens

beforeAll(async () => {
  service = await lendService()
  client = createClient(service, await service.newTenant({ allowedOrigins: ['https://app.good.test'] }))
  ;({ tokens } = await client.newAccount())
})
afterAll(() => service.stop())

/** Text that breaks things: control characters, halves of pairs, syntax of other languages, lengths around a limit. */
const nasty = fc.constantFrom(
  '',
  ' ',
  '\0',
  '\ud800',
  '\udfff\ud800',
  '\u202e',
  '\ufeff',
  "'; drop table users;--",
  '{{7*7}}',
  '#{1}',
  '%s%n',
  '../../etc/passwd',
  '<script>',
  '\r\nSet-Cookie: a=b',
  'null',
  'a'.repeat(255),
  'a'.repeat(1025),
  '\u{1f600}'.repeat(300),
  '-1',
  '1e308',
  'NaN',
  '__proto__',
)
const text = fc.oneof(nasty, fc.string({ unit: 'binary', maxLength: 60 }), fc.string({ maxLength: 40 }))
const value = fc.oneof(
  text,
  fc.jsonValue({ maxDepth: 3 }),
  fc.double(),
  fc.constantFrom(null, true, [], {}, 2 ** 53, -0),
)
const names = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('email', 'password', 'name', 'transport', 'refresh_token') },
  { weight: 1, arbitrary: text },
  { weight: 1, arbitrary: fc.constantFrom('__proto__', 'constructor', 'tenant_id', 'roles') },
)

type Mutation = { name: string; value: unknown }
type Request = {
  operation: Operation
  method: string
  path: string
  body: Body
  headers: Record<string, string>
  authorized: boolean
}
type Body =
  | { kind: 'good' }
  | { kind: 'none' }
  | { kind: 'mutated'; mutations: Mutation[] }
  | { kind: 'text'; text: string; at: number }

const body: fc.Arbitrary<Body> = fc.oneof(
  { weight: 1, arbitrary: fc.constant({ kind: 'good' } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'none' } as const) },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('mutated' as const),
      mutations: fc.array(fc.record({ name: names, value }), { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('text' as const), text, at: fc.nat(80) }) },
)
/** What a client library lets through: Latin-1 without line breaks. */
const headerText = fc.string({
  unit: fc
    .integer({ min: 32, max: 255 })
    .filter((code) => code !== 127)
    .map((code) => String.fromCharCode(code)),
  maxLength: 60,
})
const header = fc.oneof(
  fc.tuple(
    fc.constantFrom(
      'authorization',
      'cookie',
      'origin',
      'user-agent',
      'sec-fetch-site',
      'cf-connecting-ip',
      'content-type',
      'accept',
      'idempotency-key',
      'x-request-id',
      'access-control-request-method',
      'if-none-match',
      'range',
    ),
    headerText,
  ),
  fc.constantFrom<[string, string]>(
    ['cookie', '__Host-latchkey=lkr_x'],
    ['origin', 'https://app.good.test'],
    ['origin', 'null'],
    ['sec-fetch-site', 'same-origin'],
    ['authorization', 'Bearer a.b.c'],
    ['authorization', `Bearer lkr_${'A'.repeat(43)}`],
    ['content-type', 'text/plain'],
    ['accept-language', '*;q=x'],
    ['access-control-request-method', 'POST'],
  ),
)
const segment = text.map((raw) => encodeURIComponent(raw.toWellFormed()))
const path = (known: string) =>
  fc.oneof(
    { weight: 8, arbitrary: fc.constant(known) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(segment, segment)
        .map(([name, content]) => `${known.split('?')[0]}?${name}=${content}`),
    },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom('limit', 'cursor', 'except')
        .chain((name) => segment.map((content) => `${known.split('?')[0]}?${name}=${content}`)),
    },
    { weight: 1, arbitrary: segment.map((extra) => `${known.split('?')[0]}/${extra}`) },
  )

const request: fc.Arbitrary<Request> = fc
  .constantFrom(...allOperations.filter(({ title }) => title !== 'revokeSessions'))
  .chain((operation) =>
    fc.record({
      operation: fc.constant(operation),
      method: fc.oneof(
        { weight: 9, arbitrary: fc.constant(operation.method) },
        { weight: 1, arbitrary: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD') },
      ),
      path: path(operation.path),
      body,
      headers: fc.array(header, { maxLength: 3 }).map((pairs) => Object.fromEntries(pairs)),
      authorized: fc.boolean(),
    }),
  )

function bodyOf({ operation, body }: Request): string | undefined {
  const good = operation.body?.(tokens) ?? { email: newEmail(), password: PASSWORD }
  switch (body.kind) {
    case 'none':
      return undefined
    case 'good':
      return JSON.stringify(good)
    case 'mutated':
      return JSON.stringify(
        Object.fromEntries([
          ...Object.entries(good),
          ...body.mutations.map(({ name, value }) => [name, value] as const),
        ]),
      )
    case 'text': {
      const whole = JSON.stringify(good)
      return whole.slice(0, body.at) + body.text + whole.slice(body.at + 1)
    }
  }
}

/** A refresh token that is used again half a minute later ends its session, and so would this test on a slow machine. */
async function withOwnToken(body: string | undefined): Promise<string | undefined> {
  if (!body?.includes(tokens.refresh_token)) return body
  const own = await createClient(service, client.tenant).newAccount() // from an address of its own, whose limits are its own
  return body.replaceAll(tokens.refresh_token, own.tokens.refresh_token)
}

async function send(made: Request) {
  const { method, path, headers, authorized } = made
  const body = method === 'GET' || method === 'HEAD' ? undefined : bodyOf(made)
  const sent = path.startsWith('/v1/refresh') ? await withOwnToken(body) : body
  // Sign-outs would be right, and would end the session that the others use.
  const mayEnd = path.startsWith('/v1/logout') || method === 'DELETE'
  return client.call(path, {
    method,
    headers: { 'cf-connecting-ip': randomAddress(), 'content-type': 'application/json', ...headers },
    ...(sent !== undefined && !(mayEnd && sent.includes(tokens.refresh_token)) && { body: sent }),
    ...(authorized && !mayEnd && !('authorization' in headers) && { bearer: tokens.access_token }),
  })
}

test('N06 answers no made-up request with a 5xx, and works as before afterwards', {
  timeout: 240_000,
}, async () => {
  const requests = fc.sample(request, { numRuns: REQUESTS, seed: SEED })
  const failures: unknown[] = []
  const seen = new Set<number>()
  for (let first = 0; first < requests.length; first += AT_ONCE) {
    await Promise.all(
      requests.slice(first, first + AT_ONCE).map(async (made) => {
        const { status, headers, body: answered } = await send(made)
        seen.add(status)
        const isProblem =
          status < 400 || made.method === 'HEAD' || headers.get('content-type') === 'application/problem+json'
        if (status >= 500 || !isProblem) failures.push({ made, sent: bodyOf(made), status, answered })
      }),
    )
  }
  expect(failures).toEqual([])
  // It reached the operations, and each kind of refusal.
  for (const status of [200, 201, 400, 401, 403, 404, 405, 415, 422]) expect(seen).toContain(status)
  expect(service.logs().filter((line) => line.includes('"level":"error"'))).toEqual([])
  expect((await client.call('/v1/me', { bearer: tokens.access_token })).status).toBe(200)
  const { email } = await client.newAccount()
  expect((await client.login(email)).status).toBe(200)
  expect(({} as { admin?: unknown }).admin).toBeUndefined()
})
