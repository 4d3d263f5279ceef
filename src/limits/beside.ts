/**
 * Limits of operations that PostgreSQL decides by itself (refreshing, signing out, ending sessions): one too many gains
 * nothing, so it is counted while its statement runs, not before. What is over a limit is done, and the edge remembers that
 * for as long as the limit has no room: the next ones are refused without a trip.
 */
import type { Context } from '../context.ts'
import { readEdgeCache, writeEdgeCache } from '../http/edge-cache.ts'
import type { Refusal } from '../problem.ts'
import { type Bucket, bucketsOf, countBuckets, type RedisSubjects, refuseOver } from './check.ts'
import type { LIMITS, LimitedOperation } from './limits.ts'

/** Those that go on without Redis: what is done cannot be refused afterwards. */
export type Beside = {
  [Name in LimitedOperation]: (typeof LIMITS)[Name] extends { redis: object; withoutRedis: 'open' }
    ? Name
    : never
}[LimitedOperation]

/** When which buckets have room again, in milliseconds. */
type Full = Record<string, number>

/** Of one network, in one location: more tokens than it could fill in a minute. */
const MOST_REMEMBERED = 50

/**
 * Counts a request against its address and the given subjects while `decide` runs.
 * @returns refusal `rate_limited` when one before it was over a limit, or what `decide` returns
 */
export async function countBeside<Name extends Beside, Done>(
  ctx: Context,
  operation: Name,
  subjects: Partial<Record<RedisSubjects<Name>, string>>,
  decide: () => Promise<Done>,
): Promise<Done | Refusal> {
  const buckets = await bucketsOf(ctx, operation, subjects as Record<string, string>) // none is undefined
  const name = `full/${encodeURIComponent(buckets[0]?.key ?? operation)}`
  const full = (await readEdgeCache(ctx, name)) as Full | undefined // only this file writes below `full`
  const now = ctx.now().getTime()
  const refused = full && refuseFull(buckets, full, now)
  if (refused) {
    ctx.outcome.limiter = 'refused'
    return refused
  }
  const [counted, done] = await Promise.all([countBuckets(ctx, operation, buckets, null), decide()])
  if (counted && 'full' in counted) {
    const others = Object.entries(full ?? {}).filter(([, until]) => until > now)
    const until = now + counted.waitSeconds * 1000
    const all = [...others, [counted.full.key, until] as const].slice(-MOST_REMEMBERED)
    const seconds = Math.max(...all.map(([, end]) => Math.ceil((end - now) / 1000)))
    writeEdgeCache(ctx, name, Object.fromEntries(all), seconds)
  }
  return done
}

function refuseFull(buckets: readonly Bucket[], full: Full, now: number): Refusal | null {
  for (const { key, subject, limit } of buckets) {
    const waitSeconds = Math.ceil(((full[key] ?? 0) - now) / 1000)
    if (waitSeconds > 0) return refuseOver(subject, limit, waitSeconds)
  }
  return null
}
