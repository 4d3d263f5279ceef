/**
 * The window itself, with a clock that the test moves: what of the window before still counts, when there is room again,
 * and that one subject alone is counted as @upstash/ratelimit counts it.
 */
import { Ratelimit } from '@upstash/ratelimit'
import { Redis } from '@upstash/redis'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { createRedisEngine, type RedisEngine } from '../../dev/redis/engine.ts'
import { startUpstashEndpoint, type UpstashEndpoint } from '../../dev/upstash-endpoint.ts'
import { type Counted, countInWindows } from '../../src/limits/sliding-window.ts'
import { race } from '../support/client.ts'

let engine: RedisEngine
let endpoint: UpstashEndpoint
let redis: Redis
let buckets = 0

beforeAll(async () => {
  engine = await createRedisEngine()
  endpoint = await startUpstashEndpoint({ engine, token: 'local' })
  redis = new Redis({ url: endpoint.url, token: 'local', enableTelemetry: false })
})
afterEach(() => vi.useRealTimers())
afterAll(() => endpoint.stop())

const newBucket = (rate: number, seconds = 60): Counted => ({
  limit: { rate, seconds },
  key: `bucket ${++buckets}`,
})

/** `seconds` after the beginning of some window of a minute, and of an hour. */
const at = (seconds: number) => new Date(1_800_000_000_000 + seconds * 1000)

/** How many of `calls` pass at that time. */
async function passing(bucket: Counted, calls: number, seconds: number): Promise<number> {
  const refusals = await race(calls, () => countInWindows(redis, [bucket], at(seconds)))
  return refusals.filter((refusal) => refusal === null).length
}

describe('a window of 100 a minute', () => {
  test.each([
    [60.001, 1],
    [61, 2],
    [75, 25],
    [90, 50],
    [119.999, 100],
    [120, 100],
    [180, 100],
  ])('after 100 in its 59th second, lets %s s of the clock find room for %i', async (seconds, room) => {
    const bucket = newBucket(100)
    expect(await passing(bucket, 150, 59)).toBe(100)
    expect(await passing(bucket, 150, seconds)).toBe(room)
  })

  test('lets no one through before the next window, however often they try, and refusals do not prolong it', async () => {
    const bucket = newBucket(100)
    expect(await passing(bucket, 100, 0)).toBe(100)
    for (const seconds of [0, 1, 30, 59.999]) expect(await passing(bucket, 50, seconds)).toBe(0)
    expect(await passing(bucket, 50, 90)).toBe(50)
  })

  test.each([
    [0, 60],
    [0.5, 60],
    [30, 30],
    [59.2, 1],
    [59.999, 1],
  ])('at %s s says to wait for %i s, and then there is room', async (seconds, wait) => {
    const bucket = newBucket(100)
    await passing(bucket, 100, seconds)
    const refused = await countInWindows(redis, [bucket], at(seconds))
    expect(refused).toEqual({ full: bucket, waitSeconds: wait })
    expect(await passing(bucket, 1, seconds + wait + 0.001)).toBe(1)
  })
})

describe('several subjects', () => {
  test('are counted together or not at all, each in its own window, and the first that is full is told', async () => {
    const [minute, hour] = [newBucket(3, 60), newBucket(5, 3600)]
    const count = (seconds: number) => countInWindows(redis, [minute, hour], at(seconds))
    for (const seconds of [0, 1, 2]) expect(await count(seconds)).toBeNull()
    for (const seconds of [3, 4, 5]) expect((await count(seconds))?.full).toBe(minute)
    // Three of the hour are gone, not six.
    for (const seconds of [120, 121]) expect(await count(seconds)).toBeNull()
    expect(await count(122)).toEqual({ full: hour, waitSeconds: 3600 - 122 })
    expect(await countInWindows(redis, [minute], at(123))).toBeNull()
  })

  test('of 500 simultaneous requests with three limits pass as many as the smallest lets through', async () => {
    const all = [newBucket(70), newBucket(30), newBucket(50)]
    const refusals = await race(500, () => countInWindows(redis, all, at(10)))
    expect(refusals.filter((refusal) => refusal === null)).toHaveLength(30)
    expect(new Set(refusals.map((refusal) => refusal?.full.key))).toEqual(new Set([undefined, all[1]?.key]))
    const counted = all.map(({ key }) =>
      engine.exec(['GET', `lk:limit:${key}:${(at(10).getTime() / 60_000) | 0}`]),
    )
    expect(await Promise.all(counted)).toEqual(['30', '30', '30'])
  })
})

test('decides for one subject as @upstash/ratelimit does, at a thousand random times', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: at(0) })
  const theirs = new Ratelimit({
    redis,
    limiter: Ratelimit.slidingWindow(7, '60 s'), // of 7 no share is a whole number, where the two would round apart
    ephemeralCache: false,
    timeout: 0,
  })
  const ours = newBucket(7)
  const decided = { passed: 0, refused: 0 }
  for (let step = 0; step < 1000; step++) {
    vi.setSystemTime(Date.now() + Math.floor(Math.random() ** 3 * 40_000))
    const { success } = await theirs.limit('subject')
    const refused = await countInWindows(redis, [ours], new Date())
    expect(refused === null, `step ${step} at ${Date.now()}`).toBe(success)
    decided[success ? 'passed' : 'refused'] += 1
  }
  expect(Math.min(decided.passed, decided.refused)).toBeGreaterThan(100)
})
