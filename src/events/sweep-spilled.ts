/** Hands on the attempts of the spilled list. */
import type { JobContext } from '../context.ts'
import { REDIS_KEYS } from '../storage/redis.ts'
import { type HandedOn, handOn, placeAttempts } from './hand-on.ts'
import type { Attempt } from './messages.ts'
import { MAX_REFUSALS } from './refusal-store.ts'
import type { Sink } from './sink.ts'
import { isTooOld, openSpilled, reportLost, sealSpilled } from './spilled.ts'

const BATCH = 200

/**
 * Goes once through the list as it is now, until `end`. What is taken, and what nothing will ever open, leaves it by its
 * own value: two sweeps cannot lose one. What cannot be taken now goes to the end, so that it keeps nothing waiting.
 */
export async function sweepSpilled(ctx: JobContext, sinks: readonly Sink[], end: number): Promise<number> {
  let swept = 0
  try {
    const length = await ctx.redis.llen(REDIS_KEYS.spilledEvents)
    for (let seen = 0; seen < length && ctx.now().getTime() < end; seen += BATCH) {
      const sealed = await ctx.redis.lrange<string>(REDIS_KEYS.spilledEvents, 0, BATCH - 1)
      const opened = await Promise.all(sealed.map((one) => openSpilled(ctx, one)))
      const attempts = opened.flatMap((attempt) => (attempt === null || attempt === 'locked' ? [] : attempt))
      const handedOn = await handOn(ctx, sinks, await placeAttempts(ctx, attempts))
      if (handedOn.down.length > 0) break
      const again = await Promise.all(
        sealed.map((one, index) => againAs(ctx, one, opened[index] ?? null, handedOn)),
      )
      const kept = again.flatMap((one) => one ?? [])
      const pipeline = ctx.redis.multi()
      if (kept.length > 0) pipeline.rpush(REDIS_KEYS.spilledEvents, ...kept)
      for (const one of sealed) pipeline.lrem(REDIS_KEYS.spilledEvents, 1, one)
      if (sealed.length > 0) await pipeline.exec()
      swept += attempts.length - handedOn.refused.size
    }
    return swept
  } catch (error) {
    // Redis is for attempts only; the outbox has been swept already.
    ctx.log('warn', 'could not sweep spilled events', {
      cause: error instanceof Error ? error.name : 'unknown',
    })
    return swept
  } finally {
    ctx.trips.endAll('redis')
  }
}

/** As what an entry stays in the list, or null when it leaves it. */
async function againAs(
  ctx: JobContext,
  sealed: string,
  attempt: Attempt | 'locked' | null,
  { refused }: HandedOn,
): Promise<string | null> {
  if (attempt === 'locked') return sealed
  const sink = attempt && refused.get(attempt.id)
  if (!attempt || sink === undefined || isTooOld(ctx, attempt)) return null
  const refusals = (attempt.refusals ?? 0) + 1
  if (refusals < MAX_REFUSALS) return sealSpilled(ctx, { ...attempt, refusals })
  ctx.log('error', 'ALARM: attempt event dropped after repeated failures', {
    event_id: attempt.id,
    event: attempt.type,
    sink,
    refusals,
  })
  reportLost(ctx, [attempt])
  return null
}
