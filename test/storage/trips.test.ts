/** The round trips that every operation says it makes, as the Worker counts them and as the endpoints see them. */
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  type Answer,
  type Client,
  createClient,
  newClient,
  PASSWORD,
  type Tokens,
} from '../support/client.ts'
import { OPERATIONS } from '../support/operations.ts'
import { attemptSignIn } from '../support/passkeys.ts'
import { startService, useService } from '../support/service.ts'

const service = useService()

/** A caller who just signed in, which leaves what verifies their token at the edge. */
async function newCaller() {
  const client = await newClient(service())
  const { email, tokens } = await client.signUpAdmin()
  return { client, email, tokens }
}

/** What one call cost by both counts, which must agree. */
async function costOf(call: () => Promise<Answer<unknown>>) {
  const before = service().trips()
  const answer = await call()
  const after = service().trips()
  const seen = { postgres: after.postgres - before.postgres, redis: after.redis - before.redis }
  expect(answer.trips, 'the Worker and the endpoints count alike').toEqual(seen)
  return { status: answer.status, trips: seen }
}

// The first limit ever asked sends its script to Redis (NOSCRIPT, then EVAL), once for the life of that Redis; so do the
// first that keeps a challenge and the first that takes one.
beforeAll(async () => {
  const { client, tokens } = await newCaller()
  await client.refresh(tokens.refresh_token)
  await attemptSignIn(client, (await client.plantedPasskey(tokens)).passkey)
})

describe('a trip budget', () => {
  test.each(OPERATIONS.map((operation) => [operation.name, operation] as const))(
    '%s keeps to its budget',
    async (_, operation) => {
      const { client, tokens } = await newCaller()
      const call = await operation.prepare(client, tokens)
      const { status, trips } = await costOf(call)
      expect(status).toBeLessThan(400)
      const { redis, postgres } = operation.budget
      expect(trips).toEqual({ redis, postgres })
    },
  )

  test.each([
    ['a wrong password', { email: 'taken', password: 'not the password' }, { postgres: 2, redis: 1 }],
    ['an unknown account', { email: 'nobody@example.com', password: PASSWORD }, { postgres: 2, redis: 1 }],
  ])('a sign-in refused for %s costs the same', async (_, { email: address, password }, budget) => {
    const { client, email } = await newCaller()
    const { status, trips } = await costOf(() =>
      client.login(address === 'taken' ? email : address, password),
    )
    expect(status).toBe(401)
    expect(trips).toEqual(budget)
  })

  test('a taken address costs a registration the same; a refused password one trip less', async () => {
    const { client, email } = await newCaller()
    expect(await costOf(() => client.register(email))).toEqual({
      status: 409,
      trips: { postgres: 2, redis: 1 },
    })
    const refused = await costOf(() => client.register(undefined, 'password'))
    expect(refused).toEqual({ status: 422, trips: { postgres: 1, redis: 1 } })
  })

  test.each([
    ['/v1/refresh', 401],
    ['/v1/logout', 204],
  ])('clients 14: %s of a browser in which no one is signed in costs nothing', async (path, status) => {
    const { client } = await newCaller()
    expect(await costOf(() => client.call(path, { method: 'POST' }))).toEqual({
      status,
      trips: { postgres: 0, redis: 0 },
    })
  })

  test('keys and discovery cost nothing the second time', async () => {
    const { client } = await newCaller()
    for (const path of ['/.well-known/jwks.json', '/.well-known/openid-configuration']) {
      expect((await costOf(() => client.call(path))).trips.postgres).toBe(1)
      expect((await costOf(() => client.call(path))).trips).toEqual({ postgres: 0, redis: 0 })
    }
  })
})

describe('a write by bearer token', () => {
  /** A location that has seen no one yet: what it keeps is kept by tenant, and each test has one of its own. */
  const cold = useService({ beside: service })

  const writes: [string, (client: Client, tokens: Tokens) => Promise<Answer<unknown>>][] = [
    [
      'POST /v1/logout',
      (client, { access_token }) => client.call('/v1/logout', { method: 'POST', bearer: access_token }),
    ],
    ...OPERATIONS.filter(({ name }) => /^(DELETE|PATCH)|rotate/.test(name)).map(
      ({ name, call }): [string, typeof call] => [name, call],
    ),
  ]

  test.each(writes)(
    '%s costs one trip to PostgreSQL where someone signed in, and two where no one did',
    async (_, call) => {
      const warm = await newCaller()
      expect(await costOf(() => call(warm.client, warm.tokens))).toMatchObject({
        trips: { postgres: 1, redis: 1 },
      })

      const { client, tokens } = await newCaller()
      const { status, trips } = await costOf(() => call(createClient(cold(), client.tenant), tokens))
      expect(status).toBeLessThan(300)
      expect(trips).toEqual({ postgres: 2, redis: 1 })
    },
  )
})

describe('a limit that Redis has not answered yet', () => {
  afterEach(() => service().gates.redis.set('open'))

  test.each([
    'POST /v1/register',
    'POST /v1/login',
    'GET /v1/me',
    'GET /v1/sessions',
    // PostgreSQL decides these by itself.
    'POST /v1/refresh',
    'POST /v1/logout',
    'DELETE /v1/sessions/:id',
    'DELETE /v1/sessions',
  ])('does not keep %s from asking PostgreSQL meanwhile', async (name) => {
    const { client, tokens } = await newCaller()
    service().gates.redis.set('hanging')
    const before = service().trips().postgres
    const answered = OPERATIONS.find((operation) => operation.name === name)?.call(client, tokens)
    await vi.waitFor(() => {
      expect(service().trips().postgres).toBe(before + 1)
      expect(service().gates.redis.hits()).toBe(1)
    }, 60_000)
    service().gates.redis.set('open') // which ends the connection that hangs
    expect((await answered)?.status).toBeLessThan(300)
  })

  test.each(['PATCH /v1/me', 'POST /v1/api-keys'])('keeps %s from writing', async (name) => {
    const { client, tokens } = await newCaller()
    service().gates.redis.set('hanging')
    const before = service().trips().postgres
    const answered = OPERATIONS.find((operation) => operation.name === name)?.call(client, tokens)
    await vi.waitFor(() => expect(service().gates.redis.hits()).toBe(1), 60_000)
    expect(service().trips().postgres).toBe(before)
    service().gates.redis.set('open')
    expect((await answered)?.status).toBeLessThan(300)
    expect(service().trips().postgres).toBe(before + 1)
  })
})

test('a deployment does not show its trips unless SERVER_TIMING is on', async () => {
  const quiet = await startService({ beside: service(), bindings: { SERVER_TIMING: 'off' } })
  try {
    const answer = await (await newClient(quiet)).call('/healthz')
    expect(answer.status).toBe(200)
    expect(answer.headers.get('server-timing')).toBeNull()
  } finally {
    await quiet.stop()
  }
})
