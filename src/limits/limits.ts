/**
 * Every limit, on one screen: operation × subject × rate, and what happens when Redis does not answer.
 * All subjects of one operation are asked in one round trip, before anything expensive, and never hold a raw address.
 */
import { Ratelimit } from '@upstash/ratelimit'
import type { Context } from '../context.ts'
import { Fault, type Refusal, refuse } from '../problem.ts'
import { REDIS_PREFIX, redisSubject } from '../storage/redis.ts'
import { upstreamFault } from '../storage/trips.ts'

/** `rate` requests in any `seconds`, for one subject. */
type Limit = { rate: number; seconds: number }

/** `open` lets the request go on without the limit, `closed` answers 503 or 504: a guess must never be free. */
type Operation = { subjects: Record<string, Limit>; whenRedisIsDown: 'open' | 'closed' }

const LIMITS = {
  register: { subjects: { address: { rate: 100, seconds: 3600 } }, whenRedisIsDown: 'closed' },
  login: {
    subjects: { address: { rate: 100, seconds: 60 }, account: { rate: 100, seconds: 900 } },
    whenRedisIsDown: 'closed',
  },
  // The rotation itself is decided in PostgreSQL; closing here would sign everybody out and cause a storm of retries.
  refresh: {
    subjects: { address: { rate: 600, seconds: 60 }, token: { rate: 60, seconds: 60 } },
    whenRedisIsDown: 'open',
  },
} as const satisfies Record<string, Operation>

type LimitedOperation = keyof typeof LIMITS
type Subjects<Name extends LimitedOperation> = Record<keyof (typeof LIMITS)[Name]['subjects'], string>

/**
 * Counts this request against every subject of the operation, in one trip.
 * @returns null to go on, or refusal `rate_limited` with `Retry-After`, `RateLimit` and `RateLimit-Policy`
 * @throws Fault `upstream_*` when Redis did not answer and the operation is closed then
 */
export async function checkLimits<Name extends LimitedOperation>(
  ctx: Pick<Context, 'redis' | 'settings' | 'trips' | 'log' | 'now'>,
  operation: Name,
  subjects: Subjects<Name>,
): Promise<Refusal | null> {
  const { subjects: limits, whenRedisIsDown }: Operation = LIMITS[operation]
  try {
    // Keys first: commands that start in one tick leave as one request.
    const asked = await Promise.all(
      Object.entries<string>(subjects).map(async ([subject, value]) => {
        const limit = limits[subject]
        if (!limit) throw new Fault('internal_error', `no limit is declared for ${operation} by ${subject}`)
        const key = await redisSubject(ctx.settings.authKeys, subject, value)
        return { subject, limit, key: `${operation}:${subject}:${key}` }
      }),
    )
    const { redis } = ctx
    const verdicts = await Promise.all(
      asked.map(async ({ subject, limit, key }) => {
        const { success, reset } = await ask(redis, limit, key, ctx.settings.limitsMultiplier)
        return { subject, limit, success, reset }
      }),
    )
    const exceeded = verdicts.find(({ success }) => !success)
    return exceeded ? refuseOver(exceeded, ctx.now()) : null
  } catch (error) {
    if (error instanceof Fault) throw error
    // Never the client's own text: an UpstashError repeats the whole command.
    const fault = upstreamFault('redis', error)
    ctx.log('warn', 'limits not checked', {
      limiter: 'degraded',
      operation,
      policy: whenRedisIsDown,
      cause: fault.message,
    })
    if (whenRedisIsDown === 'open') return null
    throw fault
  } finally {
    ctx.trips.endAll('redis')
  }
}

/** One sliding window. `timeout: 0` because the library's own timeout answers "allowed" (PLATFORM.md §5.1). */
function ask(redis: Context['redis'], { rate, seconds }: Limit, subject: string, multiplier: number) {
  return new Ratelimit({
    redis,
    prefix: REDIS_PREFIX.limit,
    limiter: Ratelimit.slidingWindow(rate * multiplier, `${seconds} s`),
    timeout: 0,
    ephemeralCache: false,
    analytics: false,
    enableTelemetry: false,
  }).limit(subject)
}

/** draft-ietf-httpapi-ratelimit-headers: the policy that was exceeded and when there is room again. */
function refuseOver(
  { subject, limit, reset }: { subject: string; limit: Limit; reset: number },
  now: Date,
): Refusal {
  const waitSeconds = Math.max(1, Math.ceil((reset - now.getTime()) / 1000))
  return refuse('rate_limited', {
    detail: `Try again in ${waitSeconds} seconds.`,
    headers: {
      'retry-after': String(waitSeconds),
      ratelimit: `"${subject}";r=0;t=${waitSeconds}`,
      'ratelimit-policy': `"${subject}";q=${limit.rate};w=${limit.seconds}`,
    },
    evidence: { limit: subject },
  })
}
