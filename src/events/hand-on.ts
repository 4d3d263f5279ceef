/** Gives events to every sink, and settles those that all of them have. */
import type { JobContext } from '../context.ts'
import { Fault, faultOf } from '../problem.ts'
import { type EventClient, type Happened, isEventType } from './catalogue.ts'
import type { Attempt } from './messages.ts'
import type { Sink } from './sink.ts'
import { findTenantsOf, markDispatched, type RecordedRow } from './store.ts'

/** A type that a newer version wrote is left for that version. */
export const happenedOf = ({ type, client, ...row }: RecordedRow): Happened[] =>
  isEventType(type) ? [{ ...row, type, client: { ...NO_CLIENT, ...client } }] : []

const NO_CLIENT: EventClient = {
  request_id: null,
  address: null,
  country: null,
  city: null,
  network: null,
  user_agent: null,
}

/** Attempts know the host they came to; what came to no tenant's host is nobody's. */
export async function placeAttempts(ctx: JobContext, attempts: Attempt[]): Promise<Happened[]> {
  if (attempts.length === 0) return []
  const tenants = await findTenantsOf(ctx, [...new Set(attempts.map(({ host }) => host))])
  return attempts.flatMap(({ host, occurred_at, ...attempt }) => {
    const tenantId = tenants.get(host)
    return tenantId === undefined ? [] : [{ ...attempt, tenantId, occurredAt: new Date(occurred_at) }]
  })
}

/**
 * Gives the events to every sink, side by side, and settles those that all have taken.
 * @returns the ids of the others
 */
export async function handOn(
  ctx: JobContext,
  sinks: readonly Sink[],
  events: readonly Happened[],
): Promise<Set<string>> {
  if (events.length === 0) return new Set()
  const failed = await Promise.all(sinks.map((sink) => give(ctx, sink, events)))
  const undone = new Set(failed.flat())
  const done = events.filter(({ id }) => !undone.has(id)).map(({ id }) => id)
  if (done.length > 0) await markDispatched(ctx, done)
  return undone
}

/**
 * @returns the ids of what the sink did not take. One event that it cannot take must not hold up the others, so a batch
 * that fails is halved until the culprit is alone, unless the sink's dependency is what failed.
 */
async function give(ctx: JobContext, sink: Sink, events: readonly Happened[]): Promise<string[]> {
  try {
    await sink.take(ctx, events)
    return []
  } catch (error) {
    const fault = faultOf(error)
    const isDown = fault instanceof Fault && fault.code !== 'internal_error'
    if (!isDown && events.length > 1) {
      const half = Math.ceil(events.length / 2)
      const first = await give(ctx, sink, events.slice(0, half))
      return [...first, ...(await give(ctx, sink, events.slice(half)))]
    }
    ctx.log('error', 'events not taken', {
      sink: sink.name,
      events: events.length,
      event_id: isDown ? undefined : events[0]?.id,
      cause: fault.message,
    })
    return events.map(({ id }) => id)
  }
}
