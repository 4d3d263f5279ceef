/**
 * Sliding windows in Redis, for several subjects at once and all or nothing: a request that one of them refuses takes
 * nothing from the others, so that an address over its limit cannot use up the attempts of an account. One script,
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

/** What a request does in the trip that counts it, unless it is refused: it sets a key, or takes one and what it held. */
export type Besides =
  | { set: string; value: string; milliseconds: number }
  | { take: string; found: (value: string | null) => void }

/**
 * KEYS: per subject the counter of this window and of the one before, and last the key of `Besides`, where there is one.
 * ARGV: first which subject is the caller's network, then per subject the rate, how much of the window before still counts
 * (0 to 1), how long a counter is kept (ms), and below how many of its network it spares (0: never); last what `Besides`
 * sets. Returns which subject refuses, from 1, or 0, or the text that was taken, which is empty when there was none.
 * The flag lets Upstash lock these keys alone.
 */
const scriptWith = (last: string) => `#!lua flags=allow-key-locking
local subjects = math.floor(#KEYS / 2)
local counts = redis.call('MGET', unpack(KEYS, 1, 2 * subjects))
local used = {}
for i = 1, subjects do
  local before = math.floor((tonumber(counts[2 * i]) or 0) * tonumber(ARGV[4 * i - 1]))
  used[i] = before + (tonumber(counts[2 * i - 1]) or 0)
end
for i = 1, subjects do
  if used[i] >= tonumber(ARGV[4 * i - 2]) and used[tonumber(ARGV[1])] >= tonumber(ARGV[4 * i + 1]) then return i end
end
for i = 1, subjects do
  if redis.call('INCR', KEYS[2 * i - 1]) == 1 then redis.call('PEXPIRE', KEYS[2 * i - 1], ARGV[4 * i]) end
end
${last}`

const SCRIPTS = {
  count: scriptWith('return 0'),
  set: scriptWith(`redis.call('SET', KEYS[#KEYS], ARGV[#ARGV - 1], 'PX', ARGV[#ARGV]) return 0`),
  take: scriptWith(`return redis.call('GETDEL', KEYS[#KEYS]) or ''`),
}

/** The bucket that is full, and the seconds until it surely has room. */
export type Full<Bucket> = { full: Bucket; waitSeconds: number }

/**
 * Counts one request against every bucket, or against none.
 * @param analytics where the decision is told, when it is
 * @param besides what is done in the same trip, unless the request is refused
 * @returns the first bucket that is full and the seconds until it surely has room, or null
 */
export async function countInWindows<Bucket extends Counted>(
  redis: Redis,
  buckets: readonly Bucket[],
  now: Date,
  analytics: Analytics | null = null,
  besides: Besides | null = null,
): Promise<Full<Bucket> | null> {
  let refused: Full<Bucket> | null = null
  const limit = async () => {
    refused = await runScript(redis, buckets, now, besides)
    // The numbers are not read: a refusal is made from the bucket.
    const numbers = { limit: 0, remaining: 0, reset: 0 }
    return { success: refused === null, ...numbers, pending: Promise.resolve() }
  }
  // Made per request: nothing at module level may hold a connection.
  const ratelimit = new Ratelimit({
    redis: analytics?.redis ?? redis,
    prefix: REDIS_PREFIX.limit,
    limiter: () => ({ limit, getRemaining: refuseToAnswer, resetTokens: refuseToAnswer }),
    timeout: 0, // by default it allows every request after five seconds
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
  besides: Besides | null,
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
  const [script, key, values] = scriptFor(besides)
  const answered: unknown = await redis
    .createScript(script)
    .exec([...keys, ...key], [String(network), ...args, ...values])
  if (besides && 'take' in besides && typeof answered === 'string') {
    besides.found(answered || null)
    return null
  }
  if (!Number.isInteger(answered)) throw new TypeError('the limit script answered no number')
  const refused = Number(answered)
  const full = buckets[refused - 1]
  if (!full) return null
  const passed = (windows[refused - 1] ?? 0) % 1
  return { full, waitSeconds: Math.max(1, Math.ceil((1 - passed) * full.limit.seconds)) }
}

function scriptFor(besides: Besides | null): [script: string, key: string[], values: string[]] {
  if (besides === null) return [SCRIPTS.count, [], []]
  return 'take' in besides
    ? [SCRIPTS.take, [besides.take], []]
    : [SCRIPTS.set, [besides.set], [besides.value, String(besides.milliseconds)]]
}

/** The package asks for these two and calls them only when its user does, which is never. */
const refuseToAnswer = () => Promise.reject(new Fault('internal_error', 'limits are counted, never asked'))
