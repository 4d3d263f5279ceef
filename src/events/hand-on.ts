/** Gives events to every sink, and settles those that all of them have. */
import type { JobContext } from '../context.ts'
import { faultOf } from '../problem.ts'
import { type EventClient, type Happened, isEventType } from './catalogue.ts'
import type { Attempt } from './messages.ts'
import { countRefusals } from './refusal-store.ts'
import type { FollowUp, Sink } from './sink.ts'
import { findTenantsOf, markDispatched, type RecordedRow } from './store.ts'

/** A type that a newer version wrote is left for that version. */
export const happenedOf = ({ type, client, priority, ...row }: RecordedRow): Happened[] =>
  isEventType(type) ? [{ ...row, type, client: { ...NO_CLIENT, ...client } }] : []

const NO_CLIENT: EventClient = {
  request_id: null,
  address: null,
  country: null,
  city: null,
  network: null,
  user_agent: null,
}

/** Attempts know the host they came to; what came to an unknown host has no tenant. */
export async function placeAttempts(ctx: JobContext, attempts: Attempt[]): Promise<Happened[]> {
  if (attempts.length === 0) return []
  const tenants = await findTenantsOf(ctx, [...new Set(attempts.map(({ host }) => host))])
  return attempts.flatMap(({ host, occurred_at, refusals, ...attempt }) => {
    const tenantId = tenants.get(host)
    return tenantId === undefined ? [] : [{ ...attempt, tenantId, occurredAt: new Date(occurred_at) }]
  })
}

export type HandedOn = {
  /** Ids that a sink did not get because what it depends on is down. */
  missed: ReadonlySet<string>
  /** Ids that a sink cannot take, and the sink's name. */
  refused: ReadonlyMap<string, string>
  down: readonly Sink[]
  followUps: readonly FollowUp[]
}

/**
 * Gives the events to every sink, side by side, and settles those that all have taken; counts the refusals of the others.
 * @param left sinks that are given nothing now, so that nothing is settled
 */
export async function handOn(
  ctx: JobContext,
  sinks: readonly Sink[],
  some: readonly Happened[],
  left: readonly Sink[] = [],
): Promise<HandedOn> {
  const events = [...new Map(some.map((event) => [event.id, event])).values()] // a message may come twice
  const given = events.length === 0 ? [] : await Promise.all(sinks.map((sink) => give(ctx, sink, events)))
  const missed = new Set(given.flatMap((one) => one.missed))
  const refused = new Map(
    given.flatMap((one, index) => one.refused.map((id) => [id, sinks[index]?.name ?? ''])),
  )
  const done = events.filter(({ id }) => !missed.has(id) && !refused.has(id)).map(({ id }) => id)
  if (done.length > 0 && left.length === 0) await markDispatched(ctx, done)
  if (refused.size > 0) await park(ctx, refused)
  return {
    missed,
    refused,
    down: sinks.filter((_, index) => given[index]?.missed.length),
    // One of each sink: what it does covers whatever the sink has taken.
    followUps: given.flatMap(({ followUp }) => followUp ?? []),
  }
}

async function park(ctx: JobContext, refused: ReadonlyMap<string, string>): Promise<void> {
  for (const { id, type, sink, tenantId, refusals } of await countRefusals(ctx, refused))
    ctx.log('error', 'ALARM: event parked', {
      event_id: id,
      event: type,
      sink,
      tenant_id: tenantId,
      refusals,
      next: `npm run events -- replay ${id}`,
    })
}

type Given = { missed: string[]; refused: string[]; followUp: FollowUp | null }

/**
 * One event that a sink cannot take must not hold up the others, so a batch that fails is halved until the culprit is
 * alone, unless what the sink depends on is down.
 */
async function give(ctx: JobContext, sink: Sink, events: readonly Happened[]): Promise<Given> {
  try {
    return { missed: [], refused: [], followUp: await sink.take(ctx, events) }
  } catch (error) {
    const fault = faultOf(error)
    const isDown = fault.code !== 'internal_error'
    const ids = events.map(({ id }) => id)
    if (!isDown && events.length > 1) {
      const half = Math.ceil(events.length / 2)
      const halves = [events.slice(0, half), events.slice(half)]
      return merge(await Promise.all(halves.map((some) => give(ctx, sink, some))))
    }
    ctx.log('error', 'events not delivered to a sink', {
      sink: sink.name,
      events: events.length,
      event_id: isDown ? undefined : events[0]?.id,
      cause: fault.message,
    })
    return { missed: isDown ? ids : [], refused: isDown ? [] : ids, followUp: null }
  }
}

const merge = (parts: readonly Given[]): Given => ({
  missed: parts.flatMap(({ missed }) => missed),
  refused: parts.flatMap(({ refused }) => refused),
  followUp: parts.find(({ followUp }) => followUp)?.followUp ?? null,
})
