/**
 * Sliding windows in Redis, for several subjects at once and all or nothing: a request that one of them refuses takes
 * nothing from the others, so that nobody can use up an account's attempts from an address that is spent. One script,
 * one trip, as the algorithm of @upstash/ratelimit, whose own ask one subject at a time; the arithmetic is theirs.
 * Billed: 2 + n commands for n subjects (each subject's first request in a window one more), 2 when refused.
 */
import { Ratelimit } from '@upstash/ratelimit'
import { Fault } from '../problem.ts'
import { REDIS_PREFIX, type Redis } from '../storage/redis.ts'
import type { Analytics } from './analytics.ts'
import type { Limit } from './limits.ts'

export type Counted = {
  limit: Limit
  /** Names the bucket; holds no raw e-mail or address. */
  key: string
  /** Whether it is the caller's network, by which others may spare. These come first, the widest last. */
  isNetwork?: boolean
}

/**
 * KEYS: per subject the counter of this window and of the one before. ARGV: first which subject is the caller's network,
 * then per subject the rate, how much of the window before still counts (0 to 1), how long a counter is kept (ms), and
 * below how many of its network it spares (0: never). Returns which subject refuses, from 1, or 0.
 * The flag lets Upstash lock these keys alone.
 */
const SCRIPT = `#!lua flags=allow-key-locking
local counts = redis.call('MGET', unpack(KEYS))
local used = {}
for i = 1, #KEYS / 2 do
  local before = math.floor((tonumber(counts[2 * i]) or 0) * tonumber(ARGV[4 * i - 1]))
  used[i] = before + (tonumber(counts[2 * i - 1]) or 0)
end
for i = 1, #KEYS / 2 do
  if used[i] >= tonumber(ARGV[4 * i - 2]) and used[tonumber(ARGV[1])] >= tonumber(ARGV[4 * i + 1]) then return i end
end
for i = 1, #KEYS / 2 do
  if redis.call('INCR', KEYS[2 * i - 1]) == 1 then redis.call('PEXPIRE', KEYS[2 * i - 1], ARGV[4 * i]) end
end
return 0`

type Full<Bucket> = { full: Bucket; waitSeconds: number }

/**
 * Counts one request against every bucket, or against none.
 * @param analytics where the decision is told, when it is
 * @returns the first bucket that is full and the seconds until it surely has room, or null
 */
export async function countInWindows<Bucket extends Counted>(
  redis: Redis,
  buckets: readonly Bucket[],
  now: Date,
  analytics: Analytics | null = null,
): Promise<Full<Bucket> | null> {
  let refused: Full<Bucket> | null = null
  const limit = async () => {
    refused = await runScript(redis, buckets, now)
    // Nobody reads the numbers: what a refusal says is made from the bucket.
    const numbers = { limit: 0, remaining: 0, reset: 0 }
    return { success: refused === null, ...numbers, pending: Promise.resolve() }
  }
  // Made per request: nothing at module level may hold a connection.
  const ratelimit = new Ratelimit({
    redis: analytics?.redis ?? redis,
    prefix: REDIS_PREFIX.limit,
    limiter: () => ({ limit, getRemaining: refuseToAnswer, resetTokens: refuseToAnswer }),
    timeout: 0, // by default it lets everybody through after five seconds
    ephemeralCache: false,
    analytics: analytics !== null,
    enableTelemetry: false,
  })
  const { pending } = await ratelimit.limit(analytics?.operation ?? 'request')
  analytics?.defer(pending)
  return refused
}

async function runScript<Bucket extends Counted>(
  redis: Redis,
  buckets: readonly Bucket[],
  now: Date,
): Promise<Full<Bucket> | null> {
  const windows = buckets.map(({ limit: { seconds } }) => now.getTime() / (seconds * 1000))
  const keys = buckets.flatMap(({ key }, i) => {
    const window = Math.floor(windows[i] ?? 0)
    return [`${REDIS_PREFIX.limit}:${key}:${window}`, `${REDIS_PREFIX.limit}:${key}:${window - 1}`]
  })
  const args = buckets.flatMap(({ limit: { rate, seconds, spares = 0 } }, i) => {
    const passed = (windows[i] ?? 0) % 1
    return [String(rate), (1 - passed).toFixed(6), String(2 * seconds * 1000 + 1000), String(spares)]
  })
  const network = buckets.findLastIndex(({ isNetwork }) => isNetwork) + 1 || 1
  const refused = await redis.createScript<number>(SCRIPT).exec(keys, [String(network), ...args])
  if (!Number.isInteger(refused)) throw new TypeError('the limit script answered no number')
  const full = buckets[refused - 1]
  if (!full) return null
  const passed = (windows[refused - 1] ?? 0) % 1
  return { full, waitSeconds: Math.max(1, Math.ceil((1 - passed) * full.limit.seconds)) }
}

/** The package asks for these two and calls them only when its user does, which is never. */
const refuseToAnswer = () => Promise.reject(new Fault('internal_error', 'limits are counted, never asked'))
