/** Counts a request against the limits of its operation, and decides what happens when Redis cannot count. */
import type { Context } from '../context.ts'
import { UNKNOWN_NETWORK } from '../http/client.ts'
import { Fault, type Refusal, refuse } from '../problem.ts'
import { redisSubject } from '../storage/redis.ts'
import { upstreamFault } from '../storage/trips.ts'
import { analyticsOf } from './analytics.ts'
import {
  FALLBACK_LIMIT,
  LIMITS,
  type Limit,
  type LimitedOperation,
  type Policy,
  SITE_FACTOR,
} from './limits.ts'
import { type Besides, countInWindows, type Full } from './sliding-window.ts'

type LimitContext = Pick<
  Context,
  'redis' | 'settings' | 'trips' | 'now' | 'client' | 'outcome' | 'rateLimiters' | 'log' | 'defer'
>

/** What is counted of an operation besides the address. */
export type RedisSubjects<Name extends LimitedOperation> = (typeof LIMITS)[Name] extends {
  redis: infer Redis
}
  ? Exclude<keyof Redis, 'address' | 'site'>
  : never

/**
 * Counts this request against its address and the given subjects of the operation, in one trip: all of them or none.
 * What the log's `limiter` says: `allowed`, `refused`, or `degraded` with the policy that was followed.
 * @param subjects what is counted besides the address; decided by us or proved by the caller, never merely claimed
 * @param besides what is done in the same trip, unless the request is refused; for operations that are closed without Redis
 * @returns null to go on, or refusal `rate_limited` with `Retry-After`, `RateLimit` and `RateLimit-Policy`
 * @throws Fault `upstream_*` when Redis did not answer and the operation is closed then
 */
export async function checkLimits<Name extends LimitedOperation>(
  ctx: LimitContext,
  operation: Name,
  subjects: Partial<Record<RedisSubjects<Name>, string>> = {},
  besides: Besides | null = null,
): Promise<Refusal | null> {
  const { redis: limits, withoutRedis }: Policy = LIMITS[operation]
  // What is done besides must not be left out in silence.
  if (besides && (!limits || withoutRedis !== 'closed'))
    throw new Fault('internal_error', `${operation} is not closed without Redis`)
  if (!limits) return checkAtEdge(ctx, operation)
  const buckets = await bucketsOf(ctx, operation, subjects as Record<string, string>) // none is undefined
  const counted = await countBuckets(ctx, operation, buckets, besides)
  return counted && 'full' in counted
    ? refuseOver(counted.full.subject, counted.full.limit, counted.waitSeconds)
    : counted
}

export type Bucket = { subject: string; isNetwork: boolean; limit: Limit; key: string }

/** The buckets of a request, by address first. A subject that is not counted is left out of `subjects`, never undefined. */
export async function bucketsOf(
  ctx: LimitContext,
  operation: LimitedOperation,
  subjects: Record<string, string>,
): Promise<Bucket[]> {
  const { redis: limits = {} }: Policy = LIMITS[operation]
  const { network, site } = ctx.client
  const networks = { address: network, ...(site !== null && { site }) }
  return Promise.all(
    // Networks come first: a limit may spare by the widest.
    Object.entries({ ...networks, ...subjects }).map(async ([subject, value]) => {
      const limit = subject === 'site' ? siteLimit(limits.address) : limits[subject as keyof typeof limits]
      if (!limit) throw new Fault('internal_error', `no limit is declared for ${operation} by ${subject}`)
      const key = await redisSubject(ctx.settings.authKeys, subject, value)
      const isNetwork = subject in networks
      return {
        subject,
        isNetwork,
        limit: effective(ctx, subject, limit),
        key: `${operation}:${subject}:${key}`,
      }
    }),
  )
}

/** @returns the full bucket, what the operation does without Redis, or null to go on */
export async function countBuckets(
  ctx: LimitContext,
  operation: LimitedOperation,
  buckets: readonly Bucket[],
  besides: Besides | null,
): Promise<Full<Bucket> | Refusal | null> {
  const { withoutRedis }: Policy = LIMITS[operation]
  try {
    const full = await countInWindows(ctx.redis, buckets, ctx.now(), analyticsOf(ctx, operation), besides)
    ctx.outcome.limiter = full ? 'refused' : 'allowed'
    return full
  } catch (error) {
    if (error instanceof Fault) throw error
    // Never the client's own text: an UpstashError repeats the whole command.
    const fault = upstreamFault('redis', error)
    Object.assign(ctx.outcome, {
      limiter: 'degraded',
      limiter_policy: withoutRedis,
      limiter_cause: fault.message,
    })
    if (withoutRedis === 'open') return null
    if (withoutRedis === 'degraded') return checkFallback(ctx, operation, fault)
    throw fault
  } finally {
    ctx.trips.endAll('redis')
  }
}

/** Callers without a known address share one small bucket. */
function effective({ settings, client }: LimitContext, subject: string, limit: Limit): Limit {
  const strict = subject === 'address' && client.network === UNKNOWN_NETWORK ? 0.1 : 1
  return { ...limit, rate: Math.ceil(limit.rate * strict) * settings.limitsMultiplier }
}

const siteLimit = (address: Limit | undefined): Limit | undefined =>
  address && { ...address, rate: address.rate * SITE_FACTOR }

/** Without a trip and without a secret: the Workers that answer these hold no key, and the binding stays at Cloudflare. */
async function checkAtEdge(
  { rateLimiters, client, outcome }: LimitContext,
  operation: LimitedOperation,
): Promise<Refusal | null> {
  const { edge }: Policy = LIMITS[operation]
  if (!edge) return null
  if (!rateLimiters.edge) {
    outcome.limiter = 'unbound' // nothing here is expensive or secret; the line tells what wrangler.toml lacks
    return null
  }
  const counted = await rateLimiters.edge.limit({ key: `${operation}:${client.network}` }).catch(() => null)
  if (!counted) {
    Object.assign(outcome, {
      limiter: 'degraded',
      limiter_policy: 'open',
      limiter_cause: 'the binding failed',
    })
    return null
  }
  outcome.limiter = counted.success ? 'allowed' : 'refused'
  return counted.success ? null : refuseOver('address', edge.address, edge.address.seconds)
}

/**
 * Redis is down: the binding counts the address, and the failures in PostgreSQL go on counting the account.
 * @throws Fault the one that brought us here, when the binding is missing or fails too: a guess is never free
 */
async function checkFallback(
  { rateLimiters, settings, client }: LimitContext,
  operation: LimitedOperation,
  fault: Fault,
): Promise<Refusal | null> {
  if (!rateLimiters.fallback) throw fault
  const key = await fallbackKey(settings, client)
  const { success } = await rateLimiters.fallback.limit({ key: `${operation}:${key}` }).catch(() => {
    throw fault
  })
  if (success) return null
  const refusal = refuseOver('address', FALLBACK_LIMIT, FALLBACK_LIMIT.seconds)
  return { ...refusal, evidence: { ...refusal.evidence, limiter: 'degraded' } }
}

/**
 * The /64s of a /48 share `SITE_FACTOR` buckets, so that one call of the binding, which has one rate, bounds both. Two
 * neighbours may meet in one, which only this state of emergency makes worth it.
 */
async function fallbackKey(
  { authKeys }: LimitContext['settings'],
  { network, site }: LimitContext['client'],
): Promise<string> {
  const address = await redisSubject(authKeys, 'address', network)
  if (site === null) return address
  return `${await redisSubject(authKeys, 'site', site)}:${address.charCodeAt(0) % SITE_FACTOR}`
}

/** draft-ietf-httpapi-ratelimit-headers: the limit that is reached, and when there is room again. */
export function refuseOver(subject: string, { rate, seconds }: Limit, waitSeconds: number): Refusal {
  return refuse('rate_limited', {
    detail: `Try again in ${waitSeconds} seconds.`,
    headers: {
      'retry-after': String(waitSeconds),
      ratelimit: `"${subject}";r=0;t=${waitSeconds}`,
      'ratelimit-policy': `"${subject}";q=${rate};w=${seconds}`,
    },
    evidence: { limiter: 'refused', limit: subject },
  })
}
