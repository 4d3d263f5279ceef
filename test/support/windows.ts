/** A service whose Redis a test can look into and break, and the few moves that every test of a limit makes. */
import { afterAll, beforeAll, expect } from 'vitest'
import { createRedisEngine, type RedisEngine, type RedisEngineOptions } from '../../dev/redis/engine.ts'
import { startUpstashEndpoint, type UpstashEndpoint } from '../../dev/upstash-endpoint.ts'
import { type Answer, type Client, countBy, createClient, newEmail } from './client.ts'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { expectProblem } from './problem.ts'
import { type Service, startService, type TestTenant } from './service.ts'

export type Limited = {
  engine: RedisEngine
  redis: UpstashEndpoint
  /** Between the Workers and their Redis. */
  gate: FaultProxy
  service: Service
  tenant: TestTenant
  /** From an address of its own. */
  client: Client
}

/** Many requests at once on a machine that others use: here it is counted, not timed. */
const PATIENT = { REDIS_TIMEOUT_MS: '60000', POSTGRES_TIMEOUT_MS: '60000', REQUEST_TIMEOUT_MS: '60000' }

/**
 * A service, a Redis and a tenant of its own for the file that calls this.
 * @param executed told each command that the Redis runs
 */
export function useLimited(
  bindings: Record<string, string> = {},
  executed?: RedisEngineOptions['executed'],
): () => Limited {
  let limited: Limited | undefined
  beforeAll(async () => {
    limited = await startLimited(bindings, executed)
  })
  afterAll(async () => {
    await limited?.service.stop()
    await limited?.gate.stop()
    await limited?.redis.stop()
  })
  return () => {
    if (!limited) throw new Error('the service is not started yet')
    return limited
  }
}

async function startLimited(
  bindings: Record<string, string>,
  executed: RedisEngineOptions['executed'],
): Promise<Limited> {
  const engine = await createRedisEngine(executed && { executed })
  const redis = await startUpstashEndpoint({ engine, token: 'local' })
  const gate = await startFaultProxy('upstash', redis)
  const url = `http://127.0.0.1:${gate.port}`
  const started = await startService({ bindings: { UPSTASH_REDIS_REST_URL: url, ...PATIENT, ...bindings } })
  const service: Service = { ...started, redis: (command) => engine.exec(command) }
  const tenant = await service.newTenant()
  return { engine, redis, gate, service, tenant, client: createClient(service, tenant) }
}

/**
 * Runs `attempt` inside one window of the limit: windows are aligned to the clock, and one that begins in the middle
 * would let more pass, so then it is made again. `attempt` must choose a new subject each time it is called.
 */
export async function inOneWindow<T>(seconds: number, attempt: () => Promise<T>): Promise<T> {
  const window = () => Math.floor(Date.now() / 1000 / seconds)
  for (;;) {
    const begun = window()
    const [outcome] = await Promise.allSettled([attempt()])
    if (window() !== begun) continue
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  }
}

/** The names of all counters, or of those of one operation and subject, e.g. `login:account`. */
export async function keysOf({ engine }: Pick<Limited, 'engine'>, bucket = '*'): Promise<string[]> {
  return (await engine.exec(['KEYS', `lk:limit:${bucket}:*`])) as string[] // KEYS answers a list of names
}

/** What every counter says. */
export async function countersOf(limited: Pick<Limited, 'engine'>): Promise<Record<string, number>> {
  const keys = (await keysOf(limited)).toSorted()
  const counts = await Promise.all(keys.map((key) => limited.engine.exec(['GET', key])))
  return Object.fromEntries(keys.map((key, index) => [key, Number(counts[index])]))
}

/**
 * Makes the one bucket that `first` begins `count` fuller, as if that many requests had passed: to hash a hundred
 * passwords proves no more than to hash twenty.
 */
export async function fill(
  limited: Pick<Limited, 'engine'>,
  bucket: string,
  count: number,
  first: () => Promise<unknown>,
): Promise<void> {
  const before = await keysOf(limited, bucket)
  await first()
  const begun = (await keysOf(limited, bucket)).filter((key) => !before.includes(key))
  expect(begun).toHaveLength(1)
  await limited.engine.exec(['INCRBY', String(begun[0]), String(count)])
}

export const statuses = (answers: { status: number }[]) => countBy(answers, ({ status }) => status)

export const refusedOf = <T extends { status: number }>(answers: T[]): T[] =>
  answers.filter(({ status }) => status === 429)

/** Stopped by the policy, before anything is hashed: what passes the limit costs next to nothing. */
const TOO_SHORT = 'short'

/** A sign-up that the limit lets pass and the policy refuses with 422. */
export const tryToRegister = (client: Client, email = newEmail(), headers: Record<string, string> = {}) =>
  client.call('/v1/register', { json: { email, password: TOO_SHORT }, headers })

/** 429 with everything that it must say: the limit that was reached, its effective rate, and when to come back. */
export function expectRateLimited(answer: Answer<unknown>, subject: string, rate: number, seconds: number) {
  expectProblem(answer, 'rate_limited')
  const { headers } = answer
  const wait = Number(headers.get('retry-after'))
  expect(wait).toBeGreaterThanOrEqual(1)
  expect(wait).toBeLessThanOrEqual(seconds)
  expect(headers.get('ratelimit')).toBe(`"${subject}";r=0;t=${wait}`)
  expect(headers.get('ratelimit-policy')).toBe(`"${subject}";q=${rate};w=${seconds}`)
}

type RequestLine = {
  operation: string
  status: number
  limiter?: string
  limiter_policy?: string
  code?: string
}

/** What the log says of the requests of one address (`address` as it is logged: IPv4 /24), oldest first. */
export function requestsFrom({ service }: Pick<Limited, 'service'>, { address }: Client): RequestLine[] {
  const truncated = `${address.split('.').slice(0, 3).join('.')}.0/24`
  return service
    .logs()
    .map((line) => JSON.parse(line))
    .filter(({ message, address }) => message === 'request' && address === truncated)
}
