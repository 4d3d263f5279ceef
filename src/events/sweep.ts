/** The cron of every minute: hands on what the queue never got or did not manage. */
import type { JobContext } from '../context.ts'
import { REDIS_KEYS } from '../storage/redis.ts'
import { handOn, happenedOf, placeAttempts } from './hand-on.ts'
import type { Sink } from './sink.ts'
import { isTooOld, openSpilled } from './spilled.ts'
import { findLeftOver, type RecordedRow } from './store.ts'

/** An event is in the queue for some seconds; after a minute nobody is coming for it. */
const LEFT_OVER_SECONDS = 60
const SWEEP_BATCH = 200
const SWEEP_BATCHES = 20

/** The cron of every minute: what the queue did not get or did not manage. @returns how many were handed on */
export async function sweepEvents(ctx: JobContext, sinks: readonly Sink[]): Promise<number> {
  let swept = 0
  let after: string | null = null
  for (let round = 0; round < SWEEP_BATCHES; round++) {
    const limits = { olderThanSeconds: LEFT_OVER_SECONDS, limit: SWEEP_BATCH }
    const rows: RecordedRow[] = await findLeftOver(ctx, { after, ...limits })
    const events = rows.flatMap(happenedOf)
    const undone = await handOn(ctx, sinks, events)
    swept += events.length - undone.size
    // Past those that cannot be handed on: they must not keep younger ones waiting. When none could be, something is down.
    after = rows.at(-1)?.id ?? null
    if (rows.length < SWEEP_BATCH || (events.length > 0 && undone.size === events.length)) break
  }
  swept += await sweepSpilled(ctx, sinks)
  if (swept > 0) ctx.log('info', 'events swept', { events: swept })
  return swept
}

/** Attempts that the queue refused. Each leaves the list by its own value, once it is taken: two sweeps cannot lose one. */
async function sweepSpilled(ctx: JobContext, sinks: readonly Sink[]): Promise<number> {
  let swept = 0
  try {
    for (let round = 0; round < SWEEP_BATCHES; round++) {
      const sealed = await ctx.redis.lrange<string>(REDIS_KEYS.spilledEvents, 0, SWEEP_BATCH - 1)
      if (sealed.length === 0) break
      const opened = await Promise.all(sealed.map((one) => openSpilled(ctx, one)))
      const attempts = opened.flatMap((attempt) => (attempt === null || attempt === 'locked' ? [] : attempt))
      const undone = await handOn(ctx, sinks, await placeAttempts(ctx, attempts))
      // What cannot be opened, or is older than the list keeps anything, will not get better.
      const done = sealed.filter((_, index) => {
        const attempt = opened[index]
        if (attempt === 'locked') return false
        return !attempt || isTooOld(ctx, attempt) || !undone.has(attempt.id)
      })
      // Of a key that is not here yet: to the end of the list, so that it keeps nothing waiting.
      const locked = sealed.filter((_, index) => opened[index] === 'locked')
      const pipeline = ctx.redis.pipeline()
      if (locked.length > 0) pipeline.rpush(REDIS_KEYS.spilledEvents, ...locked)
      for (const one of [...done, ...locked]) pipeline.lrem(REDIS_KEYS.spilledEvents, 1, one)
      if (done.length + locked.length > 0) await pipeline.exec()
      swept += attempts.length - undone.size
      if (undone.size + locked.length > 0) break
    }
    return swept
  } catch (error) {
    // Redis is for attempts only; the outbox has been swept already.
    ctx.log('warn', 'spilled events not swept', { cause: error instanceof Error ? error.name : 'unknown' })
    return swept
  } finally {
    ctx.trips.endAll('redis')
  }
}
