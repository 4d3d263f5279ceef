/** The tests that every route gets for free: who may call, what a body may be, which methods, and a database that is away. */
import { afterEach, describe, expect, test } from 'vitest'
import { EVERY_OPERATION, type OperationUnderTest, operationCalled } from '../operations.ts'
import {
  type Answer,
  type CallOptions,
  type Client,
  createClient,
  newClient,
  type Tokens,
  unknownRefreshToken,
} from './client.ts'
import { expectProblem } from './expect.ts'
import { sendUnfinished } from './raw.ts'
import type { Service } from './service.ts'
import { generations } from './sessions.ts'

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] // in the order of `Allow`

export type RouteUnderTest = {
  method: string
  /** `:id` and `:delivery_id` stand for the id of the caller's session, which is what `newAdmin` gives theirs. */
  path: string
  /** What the path takes, as `Allow` says it. */
  allow: string
  /**
   * Who calls: no one in particular, the bearer of an access token, that of an administrator, or the holder of a
   * refresh token.
   */
  caller: 'anyone' | 'bearer' | 'admin' | 'refresh_token'
  /** A valid body, for routes that take one. */
  json?: Record<string, unknown>
  /** Fields that it knows and `json` does not have. */
  optional?: readonly string[]
  /** What else a call carries without which the route would not look at its body, e.g. a cookie. */
  headers?: Record<string, string>
  /** Whether a body may be absent. */
  bodyIsOptional?: boolean
  /** What the route answers to no one, who presents no token: 401 `no_session`, or 204 where that is what was wanted. */
  toNoToken?: 204 | 401
  /** What the route answers to a refresh token of another tenant: nothing of theirs is touched either way. */
  toForeignToken?: 204 | 401
  /** False for routes that serve no tenant. */
  hasTenant?: boolean
}

/** @param given an operation by its id: the rest is as its description says */
export function everyRoute(service: () => Service, given: RouteUnderTest | string): void {
  const route = typeof given === 'string' ? routeOf(operationCalled(given)) : given
  describe('as every route', () => {
    afterEach(() => service().gates.postgres.set('open'))
    methods(service, route)
    if (route.hasTenant !== false) {
      hosts(service, route)
      databaseDown(service, route)
    }
    if (isBearer(route)) bearerTokens(service, route)
    if (route.caller === 'admin') administrators(service, route)
    if (route.caller === 'refresh_token') refreshTokens(service, route)
    if (route.json) bodies(service, route, route.json)
  })
}

const CALLERS = { anyone: 'anyone', session: 'refresh_token', user: 'bearer', admin: 'admin' } as const

function routeOf({
  id,
  method,
  path,
  caller,
  hasBody,
  bodyIsOptional,
  fields,
  input,
  ...rest
}: OperationUnderTest) {
  const taken = EVERY_OPERATION.filter((other) => other.path === path).map((other) => other.method)
  const allow = METHODS.flatMap((one) =>
    taken.includes(one) ? (one === 'GET' ? ['GET', 'HEAD'] : [one]) : [],
  )
  const json = hasBody && { json: input(NO_ONE), optional: fields }
  return {
    method,
    path,
    allow: allow.join(', '),
    caller: CALLERS[caller],
    ...json,
    bodyIsOptional,
    toNoToken: rest.problems.includes('no_session') ? 401 : 204,
    toForeignToken: rest.problems.includes('no_session') ? 401 : 204,
    hasTenant: id !== 'readyz' && rest.limits.withoutPostgres !== 'unused',
  } as const
}

/** Whose tokens no one was given. */
const NO_ONE = {
  refresh_token: unknownRefreshToken(),
  user: { email: 'someone@example.com' },
} as Tokens // an input is made of these alone

const isBearer = ({ caller }: RouteUnderTest) => caller === 'bearer' || caller === 'admin'

/** The call that the route is for. */
function validCall(route: RouteUnderTest, tokens: Tokens | null) {
  const { method, path, caller, json, headers } = route
  const options: CallOptions = { method, ...(headers && { headers }) }
  if (json) options.json = json
  if (isBearer(route) && tokens) options.bearer = tokens.access_token
  if (caller === 'refresh_token' && tokens) options.json = { ...json, refresh_token: tokens.refresh_token }
  return { path: path.replaceAll(/:id|:delivery_id/g, tokens?.session.id ?? ''), options }
}

async function newCaller(service: Service, { caller }: RouteUnderTest) {
  const client = await newClient(service)
  if (caller === 'anyone') return { client, tokens: null }
  const { tokens } = caller === 'admin' ? await client.newAdmin() : await client.newAccount()
  return { client, tokens }
}

const send = (client: Client, { path, options }: ReturnType<typeof validCall>) => client.call(path, options)

function methods(service: () => Service, route: RouteUnderTest) {
  const allowed = route.allow.split(', ')
  test(`takes ${route.allow} and answers every other method with 405 and Allow`, async () => {
    const client = await newClient(service())
    for (const method of METHODS.filter((name) => !allowed.includes(name))) {
      const answer = await client.call(route.path.replace(':id', crypto.randomUUID()), { method })
      expectProblem(answer, 'method_not_allowed')
      expect(answer.headers.get('allow')).toBe(route.allow)
    }
  })
}

function hosts(service: () => Service, route: RouteUnderTest) {
  test('answers 421 on a host that serves no tenant', async () => {
    const { client, tokens } = await newCaller(service(), route)
    const elsewhere = { ...client.tenant, origin: `http://${crypto.randomUUID()}.test` }
    const answer = await send(createClient(service(), elsewhere), validCall(route, tokens))
    expectProblem(answer, 'unknown_host')
  })
}

function databaseDown(service: () => Service, route: RouteUnderTest) {
  test('answers 503 with Retry-After while PostgreSQL refuses connections, never an auth code', async () => {
    const { client, tokens } = await newCaller(service(), route)
    service().gates.postgres.set('refusing')
    expectProblem(await send(client, validCall(route, tokens)), 'upstream_unavailable')
  })
}

function bearerTokens(service: () => Service, route: RouteUnderTest) {
  test('refuses a call without a token', async () => {
    const { client, tokens } = await newCaller(service(), route)
    const { path, options } = validCall(route, tokens)
    const answer = await client.call(path, { method: route.method, json: options.json })
    expectProblem(answer, 'missing_token')
    expect(answer.headers.get('www-authenticate')).toBe('Bearer')
  })

  test('refuses everything that is not exactly one token of ours', async () => {
    const { client, tokens } = await newCaller(service(), route)
    if (!tokens) return
    const { path, options } = validCall(route, tokens)
    const { access_token: token } = tokens
    const attempt = (authorization: string) =>
      client.call(path, { method: route.method, json: options.json, headers: { authorization } })
    for (const authorization of forgeries(tokens)) {
      const problem = expectProblem(await attempt(authorization), 'invalid_token')
      expect(problem.detail, authorization.slice(0, 40)).toBeUndefined()
    }
    expectProblem(await attempt(`Bearer ${token}, Bearer ${token}`), 'invalid_request')
    expect((await client.me(token)).status, 'the session is untouched').toBe(200)
  })

  test("refuses another tenant's token and changes nothing of theirs", async () => {
    const { client, tokens } = await newCaller(service(), route)
    if (!tokens) return
    const elsewhere = await newClient(service())
    await elsewhere.newAccount()
    expectProblem(await send(elsewhere, validCall(route, tokens)), 'invalid_token')
    const roles = route.caller === 'admin' ? ['admin'] : []
    expect((await client.me(tokens.access_token)).body).toMatchObject({ ...tokens.user, roles })
  })

  test('refuses the token of a session that has ended', async () => {
    const { client, tokens } = await newCaller(service(), route)
    if (!tokens) return
    await client.logout(tokens.refresh_token)
    expectProblem(await send(client, validCall(route, tokens)), 'invalid_token')
  })

  test('refuses the token of an account that was disabled', async () => {
    const { client, tokens } = await newCaller(service(), route)
    if (!tokens) return
    await service().sql("update users set status = 'disabled' where id = $1", [tokens.user.id])
    expectProblem(await send(client, validCall(route, tokens)), 'invalid_token')
  })
}

function administrators(service: () => Service, route: RouteUnderTest) {
  test('refuses a caller who is no administrator', async () => {
    const { client, tokens } = await newCaller(service(), route)
    const { tokens: others } = await client.newAccount()
    const { path, options } = validCall(route, tokens)
    expectProblem(await client.call(path, { ...options, bearer: others.access_token }), 'insufficient_role')
  })

  test('refuses an administrator who is none any more, at once (CASES K14)', async () => {
    const { client, tokens } = await newCaller(service(), route)
    await service().sql("update users set roles = '{}' where id = $1", [tokens?.user.id])
    expectProblem(await send(client, validCall(route, tokens)), 'insufficient_role')
  })
}

/** Values of `Authorization` that look like something and are nothing (CASES A01, A02, A06, A07, A08). */
function forgeries({ access_token: token, refresh_token: refreshToken }: Tokens): string[] {
  const [header = '', payload = '', signature = ''] = token.split('.')
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const decode = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
  const claims = decode(payload)
  const withHeader = (change: object) => `${encode({ ...decode(header), ...change })}.${payload}.${signature}`
  return [
    'Bearer',
    'Bearer %',
    'Bearer %E0%A4%A',
    `Bearer  ${token}`,
    `Bearer\t${token}`,
    `Basic ${token}`,
    `DPoP ${token}`,
    token,
    `Bearer ${refreshToken}`,
    `Bearer ${'a'.repeat(5000)}`,
    `Bearer ${header}.${payload}.`,
    `Bearer ${header}.${payload}`,
    `Bearer ${header}.${payload}.${signature}.`,
    `Bearer ${header}.${encode({ ...claims, roles: ['admin'] })}.${signature}`,
    `Bearer ${header}.${encode({ ...claims, exp: claims.exp + 600 })}.${signature}`,
    `Bearer ${header}.${payload}.${signature.slice(0, -4)}AAAA`,
    `Bearer ${withHeader({ alg: 'none' })}`,
    `Bearer ${withHeader({ alg: 'HS256' })}`,
    `Bearer ${withHeader({ kid: 'unknown-key-unknown-key' })}`,
    `Bearer ${withHeader({ kid: "' or 1=1 --" })}`,
  ]
}

function refreshTokens(service: () => Service, route: RouteUnderTest) {
  test(`answers a call without a token with ${route.toNoToken}, without asking anyone`, async () => {
    const client = await newClient(service())
    for (const options of [{ method: 'POST' }, { json: {} }, { json: null }]) {
      const answer = await client.call(route.path, options)
      if (route.toNoToken === 204) expect(answer).toMatchObject({ status: 204, body: '' })
      else expectProblem(answer, 'no_session')
      expect(answer.trips).toEqual({ postgres: 0, redis: 0 })
    }
  })

  test('refuses text that is not a refresh token', async () => {
    const { client, tokens } = await newCaller(service(), route)
    if (!tokens) return
    const { refresh_token: token, access_token: accessToken } = tokens
    const garbage = [
      'x',
      `${token} `,
      ` ${token}`,
      token.slice(0, -1),
      `${token}A`,
      token.toUpperCase(),
      accessToken,
    ]
    for (const refreshToken of garbage.map((text) => text.slice(0, 512))) {
      const answer = await client.call(route.path, { json: { refresh_token: refreshToken } })
      expectProblem(answer, 'invalid_grant')
    }
    expect((await client.refresh(token)).status, 'the session is untouched').toBe(200)
  })

  test("does nothing with another tenant's token", async () => {
    const { client, tokens } = await newCaller(service(), route)
    if (!tokens) return
    const answer = await send(await newClient(service()), validCall(route, tokens))
    expect(answer.status).toBe(route.toForeignToken)
    expect(await generations(service(), tokens.session.id)).toMatchObject([{ used: false }])
    expect((await client.refresh(tokens.refresh_token)).status, 'it still works at home').toBe(200)
  })
}

type SendBody = (body: string | Uint8Array, headers?: Record<string, string>) => Promise<Answer>

/** Sends any body where the route's own would be, as one and the same caller. */
async function bodySender(service: Service, route: RouteUnderTest): Promise<SendBody> {
  const { client, tokens } = await newCaller(service, route)
  const { path, options } = validCall(route, tokens)
  const bearer = options.bearer ? { bearer: options.bearer } : {}
  return (body, headers = {}) =>
    client.call(path, {
      method: route.method,
      body,
      headers: { 'content-type': 'application/json', ...headers },
      ...bearer,
    })
}

/** Request line and headers of the route's own call, up to those that frame the body. */
async function rawHead(service: Service, route: RouteUnderTest): Promise<string> {
  const { client, tokens } = await newCaller(service, route)
  const { path, options } = validCall(route, tokens)
  const lines = [
    `${route.method} ${path} HTTP/1.1`,
    `Host: ${client.tenant.host}`,
    'Content-Type: application/json',
    ...(options.bearer ? [`Authorization: Bearer ${options.bearer}`] : []),
  ]
  return `${lines.join('\r\n')}\r\n`
}

function bodies(service: () => Service, route: RouteUnderTest, json: Record<string, unknown>) {
  test('refuses a body of 10 MB with 413, before it is read', async () => {
    const head = await rawHead(service(), route)
    const status = await sendUnfinished(service().url, `${head}Content-Length: ${10 * 1024 * 1024}\r\n\r\n{`)
    expect(status).toBe(413)
  })

  test('counts a body that declares no length as it is read, and refuses it with 413', async () => {
    const head = await rawHead(service(), route)
    const chunk = `1000\r\n${' '.repeat(4096)}\r\n` // never a last one
    const status = await sendUnfinished(
      service().url,
      `${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(16)}`,
    )
    expect(status).toBe(413)
  })

  test('refuses what is not strict JSON with 400', async () => {
    const send = await bodySender(service(), route)
    const [first = ''] = Object.keys(json)
    const pair = `${JSON.stringify(first)}:"x"`
    const malformed = [
      '{',
      'null,',
      "{'a':1}",
      '{"a":1,}',
      '\ufeff{}',
      `{${pair},${pair}}`,
      `{"a":${'['.repeat(7000)}${']'.repeat(7000)}}`,
      new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
      ...(route.bodyIsOptional ? [] : ['']),
    ]
    for (const body of malformed) expectProblem(await send(body), 'invalid_json')
  })

  test('refuses a body that is JSON and not an object', async () => {
    const send = await bodySender(service(), route)
    // Where a body may be absent, `null` says that it is.
    for (const body of ['[]', '"text"', '42', 'true', ...(route.bodyIsOptional ? [] : ['null'])])
      expectProblem(await send(body), 'invalid_input')
  })

  test('refuses every content type but application/json with 415', async () => {
    const send = await bodySender(service(), route)
    const types = [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/jsonx',
      'application/json, text/plain',
      'text/plain; application/json',
      'application/json; charset=latin1',
    ]
    for (const type of types)
      expectProblem(await send(JSON.stringify(json), { 'content-type': type }), 'unsupported_media_type')
  })

  test('refuses a field that it does not know, and names it', async () => {
    const send = await bodySender(service(), route)
    const names = ['is_admin', 'roles', 'tenant_id', '__proto__', 'constructor', 'a/b~c']
    for (const name of names.filter((one) => !route.optional?.includes(one))) {
      const rest = JSON.stringify(json).slice(1)
      const body = `{${JSON.stringify(name)}:true${rest === '}' ? '' : ','}${rest}`
      const { errors } = expectProblem(await send(body), 'invalid_input')
      const pointer = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
      expect(errors).toContainEqual({ pointer, code: 'unknown_field' })
    }
  })

  test('refuses a field of the wrong type, and names it', async () => {
    const send = await bodySender(service(), route)
    for (const name of Object.keys(json)) {
      const right = typeof json[name]
      for (const value of [42, true, ['x'], { $gt: '' }]) {
        if (typeof value === right && right !== 'object') continue
        const answer = await send(JSON.stringify({ ...json, [name]: value }))
        const { errors } = expectProblem(answer, 'invalid_input')
        // Of a list, the entry that is wrong; of an object, what it lacks.
        const fields = errors?.map(({ pointer }) => pointer.split('/')[1])
        expect([...new Set(fields)]).toEqual([name])
      }
    }
  })
}
