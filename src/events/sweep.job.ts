/**
 * The cron of every minute: hands on what the queue never got or did not manage, the urgent first. It walks through the
 * whole backlog as long as its time lasts: neither what cannot be handed on nor a sink that is down stops it.
 */
import type { JobContext } from '../context.ts'
import { handOn, happenedOf } from './hand-on.ts'
import { PRIORITIES } from './priority.ts'
import type { FollowUp, Sink } from './sink.ts'
import { findLeftOver, type Place, type RecordedRow } from './store.ts'
import { sweepSpilled } from './sweep-spilled.ts'

/** An event is in the queue for some seconds; after this the sweep takes it. With the minute between two sweeps, a mail leaves within two. */
const LEFT_OVER_SECONDS = 45
const SWEEP_BATCH = 500
/** Less than the minute until the next sweep. */
const SWEEP_MS = 40_000

const START: Place = { priority: -1, id: '00000000-0000-0000-0000-000000000000' }

/** @param budgetMs begins nothing after this. @returns how many were handed on */
export async function sweepEvents(
  ctx: JobContext,
  sinks: readonly Sink[],
  budgetMs = SWEEP_MS,
): Promise<number> {
  const end = ctx.now().getTime() + budgetMs
  const followUps = startFollowUps()
  const swept = (await sweepOutbox(ctx, sinks, end, followUps.start)) + (await sweepSpilled(ctx, sinks, end))
  if (swept > 0) ctx.log('info', 'events swept', { events: swept })
  await followUps.finish()
  return swept
}

async function sweepOutbox(
  ctx: JobContext,
  sinks: readonly Sink[],
  end: number,
  follow: (followUps: readonly FollowUp[]) => void,
): Promise<number> {
  let swept = 0
  let after = START
  let up = sinks
  while (ctx.now().getTime() < end) {
    const limits = { olderThanSeconds: LEFT_OVER_SECONDS, limit: SWEEP_BATCH }
    const rows: RecordedRow[] = await findLeftOver(ctx, { after, ...limits })
    const last = rows.at(-1)
    if (!last) return swept
    const left = sinks.filter((sink) => !up.includes(sink))
    const events = rows.flatMap(happenedOf)
    const { missed, refused, down, followUps } = await handOn(ctx, up, events, left)
    follow(followUps)
    if (left.length === 0) swept += events.filter(({ id }) => !missed.has(id) && !refused.has(id)).length
    // A sink that is down keeps the others from nothing urgent; whatever else waits, waits for all of them.
    up = up.filter((sink) => !down.includes(sink))
    if (up.length === 0 || (up.length < sinks.length && last.priority > PRIORITIES.urgent)) return swept
    if (rows.length < SWEEP_BATCH) return swept
    after = last
  }
  ctx.log('warn', 'events left for the next sweep', { events: swept })
  return swept
}

/** Beside the sweep and one at a time: sending a hundred mails must not keep the next page waiting. */
function startFollowUps() {
  let running = Promise.resolve()
  let isRunning = false
  let next: readonly FollowUp[] = []
  const run = async () => {
    for (isRunning = true; next.length > 0; ) {
      const due = next
      next = []
      await Promise.all(due.map((followUp) => followUp()))
    }
    isRunning = false
  }
  return {
    start: (followUps: readonly FollowUp[]) => {
      if (followUps.length === 0) return
      next = followUps
      if (!isRunning) running = run()
    },
    finish: () => running,
  }
}
