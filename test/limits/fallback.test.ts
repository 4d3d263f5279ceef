/**
 * Redis is down: signing in and up go on through the Workers rate-limit binding, ten a minute for an address, and
 * everything that has a session goes on without a limit. Losing all of Redis costs windows, never a session.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/limits/limits.ts'
import { WRONG } from '../support/attempts.ts'
import { type Client, createClient, newClient, newEmail, race, randomAddress } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import type { FaultMode } from '../support/fault-proxy.ts'
import { rowOf } from '../support/limit-rows.ts'
import { OPERATIONS } from '../support/operations.ts'
import { startService } from '../support/service.ts'
import {
  expectRateLimited,
  fill,
  inOneWindow,
  keysOf,
  refusedOf,
  requestsFrom,
  statuses,
  tryToRegister,
  useLimited,
} from '../support/windows.ts'

const patient = useLimited()
/** For a Redis that hangs: whatever else it does, a busy machine would take longer. */
const hurried = useLimited({ REDIS_TIMEOUT_MS: '500' })
let limited = patient
const from = (address = randomAddress()): Client => createClient(limited().service, limited().tenant, address)

afterEach(() => limited().gate.set('open'))

const UNREACHABLE = 'redis could not be reached'
const MODES: [string, FaultMode, string][] = [
  ['refuses connections', 'refusing', UNREACHABLE],
  ['answers 500', 'error-500', UNREACHABLE],
  ['breaks off in the middle of its answer', 'cut', UNREACHABLE],
  ['hangs', 'hanging', 'redis did not answer before its deadline'],
]

describe.each(MODES)('while Redis %s', (_, mode, cause) => {
  beforeAll(() => {
    limited = mode === 'hanging' ? hurried : patient
  })
  afterAll(() => {
    limited = patient
  })

  test('lets exactly 10 of 30 simultaneous sign-ins from one address pass, and says 429 to the rest', async () => {
    const { email } = await from().signUpAdmin()
    limited().gate.set(mode)
    const { client, answers } = await inOneWindow(60, async () => {
      const client = from()
      return { client, answers: await race(30, () => client.login(email)) }
    })
    expect(statuses(answers)).toEqual({ 200: 10, 429: 20 })
    for (const answer of refusedOf(answers)) expectRateLimited(answer, 'address', 10, 60)
    expect(limited().gate.hits()).toBeGreaterThanOrEqual(30)
    const lines = requestsFrom(limited(), client)
    expect(lines).toHaveLength(30)
    for (const line of lines)
      expect(line).toMatchObject({ limiter: 'degraded', limiter_policy: 'degraded', limiter_cause: cause })

    expect((await from().login(email)).status, 'from another address').toBe(200)
  })

  test('lets exactly 10 of 30 sign-ups from one address pass, whatever it has spent on signing in', async () => {
    limited().gate.set(mode)
    const answers = await inOneWindow(60, async () => {
      const client = from()
      await race(11, () => client.login(newEmail()))
      return race(30, () => tryToRegister(client))
    })
    expect(statuses(answers)).toEqual({ 422: 10, 429: 20 })
    for (const answer of refusedOf(answers)) expectRateLimited(answer, 'address', 10, 60)
  })

  test('goes on with every operation but those that mail: one call of each succeeds, or is 503', async () => {
    const prepared = []
    for (const operation of OPERATIONS) {
      const client = await newClient(limited().service)
      const { tokens } = await client.signUpAdmin()
      prepared.push({ operation, client, call: await operation.prepare(client, tokens) })
    }
    limited().gate.set(mode)
    const answers = await Promise.all(prepared.map(async (one) => ({ ...one, ...(await one.call()) })))
    for (const { operation, client, status } of answers) {
      const policy = LIMITS[rowOf(operation.name)].withoutRedis
      if (policy === 'closed') expect([503, 504], operation.name).toContain(status)
      else expect(status, operation.name).toBeLessThan(400)
      if (policy === 'unused') continue // asks no Redis
      const line = requestsFrom(limited(), client).at(-1)
      expect(line).toMatchObject({ limiter: 'degraded', limiter_policy: policy, limiter_cause: cause })
    }
  }, 120_000)

  test('passes 40 simultaneous reads and 40 refreshes of one session', async () => {
    const client = from()
    const { tokens } = await client.signUpAdmin()
    limited().gate.set(mode)
    const reads = await race(40, () => client.me(tokens.access_token))
    const refreshes = await race(40, () => client.refresh(tokens.refresh_token))
    expect(statuses([...reads, ...refreshes])).toEqual({ 200: 80 })
  })
})

describe('while Redis refuses connections', () => {
  test('counts one address however it is written and whatever headers name another', async () => {
    limited().gate.set('refusing')
    const answers = await inOneWindow(60, () => {
      const address = randomAddress()
      const spellings = [address, `::ffff:${address}`]
      return race(30, (index) =>
        tryToRegister(from(spellings[index % 2]), newEmail(), { 'x-forwarded-for': randomAddress() }),
      )
    })
    expect(statuses(answers)).toEqual({ 422: 10, 429: 20 })
  })

  test('counts everyone without an address together, and never more than 10 a minute', async () => {
    limited().gate.set('refusing')
    const answers = await inOneWindow(60, () => race(30, (index) => tryToRegister(from(`x${index}`))))
    expect(statuses(answers)[422] ?? 0).toBeLessThanOrEqual(10)
    expect(statuses(answers)[429]).toBeGreaterThanOrEqual(20)
  })

  test('still counts the failures at an account, from as many addresses: five are heard and the sixth waits', async () => {
    const { email } = await from().signUpAdmin()
    limited().gate.set('refusing')
    for (let guess = 0; guess < 5; guess++)
      expectProblem(await from().login(email, WRONG), 'invalid_credentials')
    const refused = await from().login(email)
    expectProblem(refused, 'rate_limited')
    expect(refused.headers.get('ratelimit')).toMatch(/^"failures";/)
  })

  test('refuses an address that is spent here only until Redis is back', async () => {
    await inOneWindow(60, async () => {
      const client = from()
      limited().gate.set('refusing')
      await race(11, () => tryToRegister(client))
      expect((await tryToRegister(client)).status).toBe(429)
      limited().gate.set('open')
      expect((await tryToRegister(client)).status).toBe(422)
    })
    expect(limited().service.logs().at(-1)).toContain('"limiter":"allowed"')
  })
})

test('does the same when Redis answers, but does not take our token', async () => {
  const { service, tenant } = limited()
  const bindings = { ...service.bindings, UPSTASH_REDIS_REST_TOKEN: 'canary-wrong-token' }
  const refused = await startService({ beside: service, bindings })
  try {
    const answers = await inOneWindow(60, () => {
      const client = createClient(refused, tenant)
      return race(30, () => tryToRegister(client))
    })
    expect(statuses(answers)).toEqual({ 422: 10, 429: 20 })
    expect(refused.logs().join('\n')).not.toMatch(/canary|WRONGPASS/)
  } finally {
    await refused.stop()
  }
})

describe('a flush of Redis', () => {
  test('gives those who were limited a new window, and nothing else', async () => {
    await inOneWindow(3600, async () => {
      const client = from()
      await fill(limited(), 'register:address', 99, () => tryToRegister(client))
      expectRateLimited(await tryToRegister(client), 'address', 100, 3600)
      await limited().engine.exec(['FLUSHALL'])
      expect((await tryToRegister(client)).status).toBe(422)
      expect(await keysOf(limited(), 'register:address')).toHaveLength(1)
    })
  })

  test('signs no one out: access tokens, refresh tokens and passwords work as before', async () => {
    const client = from()
    const { email, tokens } = await client.signUpAdmin()
    await limited().engine.exec(['FLUSHALL'])
    await limited().engine.exec(['SCRIPT', 'FLUSH'])
    expect((await client.me(tokens.access_token)).status).toBe(200)
    expect((await client.listSessions(tokens.access_token)).body.data).toHaveLength(1)
    expect((await client.refresh(tokens.refresh_token)).status).toBe(200)
    expect((await client.login(email)).status).toBe(200)
  })
})
