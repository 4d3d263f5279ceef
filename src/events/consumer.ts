/**
 * Takes events from the queue and, once a minute, what the queue never got, and hands them to every sink. A message may
 * come twice, late, in any order, or after a crash in the middle: sinks pass over what they have, and an event counts as
 * handed on when all of them have it. Each message is acknowledged by itself.
 */
import * as v from 'valibot'
import type { JobContext } from '../context.ts'
import { open } from '../crypto/sealing.ts'
import { Fault, faultOf } from '../problem.ts'
import { REDIS_KEYS } from '../storage/redis.ts'
import { type EventClient, type Happened, isEventType } from './catalogue.ts'
import { type Attempt, type EventMessage, SPILLED_SECONDS, spill } from './dispatch.ts'
import type { Sink } from './sink.ts'
import { findLeftOver, findRecorded, findTenantsOf, markDispatched, type RecordedRow } from './store.ts'

/** A message of a Cloudflare Queue. */
export type Message = {
  readonly id: string
  readonly attempts: number
  readonly body: unknown
  ack(): void
  retry(options?: { delaySeconds?: number }): void
}

const Uuid = v.pipe(v.string(), v.uuid())
const Text = v.nullable(v.string())
const AttemptShape = v.object({
  id: Uuid,
  host: v.string(),
  type: v.pipe(v.string(), v.check(isEventType)),
  subject: v.nullable(Uuid),
  actor: v.nullable(Uuid),
  data: v.record(v.string(), v.unknown()),
  client: v.object({
    request_id: Text,
    address: Text,
    country: Text,
    city: Text,
    network: Text,
    user_agent: Text,
  }),
  occurred_at: v.pipe(v.string(), v.isoTimestamp()),
})
const MessageShape = v.union([
  v.object({ recorded: v.pipe(v.array(Uuid), v.minLength(1), v.maxLength(100)) }),
  v.object({ attempt: AttemptShape }),
])

/** A message that cannot be read is retried like any other, which ends in the dead-letter queue. */
const parseMessage = (body: unknown): EventMessage | null =>
  v.is(MessageShape, body) ? (body as EventMessage) : null // the schema is the type, but for the closed set of `type`

/** The first retry after half a minute, later ones up to half an hour apart: twelve of them take three hours. */
const retryDelay = (attempts: number) => Math.min(30 * 2 ** (attempts - 1), 1800)

/** Handles a batch of the queue `events`. Never throws for one message: the others have nothing to do with it. */
export async function consumeEvents(
  ctx: JobContext,
  sinks: readonly Sink[],
  messages: readonly Message[],
): Promise<void> {
  const read = messages.map((message) => ({ message, content: parseMessage(message.body) }))
  const contents = read.flatMap(({ content }) => content ?? [])
  const undone = await handOn(ctx, sinks, await collect(ctx, contents))
  for (const { message, content } of read) {
    if (content && !idsOf(content).some((id) => undone.has(id))) message.ack()
    else {
      if (!content) ctx.log('error', 'event message not readable', { message_id: message.id })
      message.retry({ delaySeconds: retryDelay(message.attempts) })
    }
  }
  ctx.log(undone.size > 0 ? 'warn' : 'info', 'events consumed', {
    messages: messages.length,
    undone: undone.size,
  })
}

const idsOf = (content: EventMessage) => ('recorded' in content ? content.recorded : [content.attempt.id])

/** What the messages are about, each event once. Recorded ones are read from the outbox, and are there or were never. */
async function collect(ctx: JobContext, contents: EventMessage[]): Promise<Happened[]> {
  const ids = contents.flatMap((content) => ('recorded' in content ? content.recorded : []))
  const attempts = contents.flatMap((content) => ('attempt' in content ? [content.attempt] : []))
  const [recorded, tried] = await Promise.all([
    ids.length === 0 ? [] : findRecorded(ctx, ids),
    placeAttempts(ctx, attempts),
  ])
  return [...new Map([...recorded.flatMap(happenedOf), ...tried].map((event) => [event.id, event])).values()]
}

/** A type that a newer version wrote is left for that version. */
const happenedOf = ({ type, client, ...row }: RecordedRow): Happened[] =>
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
async function placeAttempts(ctx: JobContext, attempts: Attempt[]): Promise<Happened[]> {
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
async function handOn(
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
      const attempts = opened.flatMap((attempt) => attempt ?? [])
      const undone = await handOn(ctx, sinks, await placeAttempts(ctx, attempts))
      // What cannot be opened, or is older than the list keeps anything, will not get better.
      const done = sealed.filter((_, index) => {
        const attempt = opened[index]
        return !attempt || isTooOld(ctx, attempt) || !undone.has(attempt.id)
      })
      const pipeline = ctx.redis.pipeline()
      for (const one of done) pipeline.lrem(REDIS_KEYS.spilledEvents, 1, one)
      if (done.length > 0) await pipeline.exec()
      swept += attempts.length - undone.size
      if (undone.size > 0) break
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

const isTooOld = ({ now }: JobContext, { occurred_at }: Attempt) =>
  new Date(occurred_at).getTime() < now().getTime() - SPILLED_SECONDS * 1000

async function openSpilled({ settings, log }: JobContext, sealed: string): Promise<Attempt | null> {
  try {
    const opened = await open(settings.authKeys, 'seal:event', sealed, REDIS_KEYS.spilledEvents)
    const content = opened && parseMessage({ attempt: JSON.parse(new TextDecoder().decode(opened)) })
    if (content && 'attempt' in content) return content.attempt
  } catch (error) {
    log('error', 'spilled event not readable', { cause: faultOf(error).message })
  }
  return null
}

/**
 * The dead-letter queue: one alarm line for each message, which operators alert on. What was recorded is still in the
 * outbox and goes on being swept; an attempt goes to the list that is swept too.
 */
export async function reportDeadEvents(ctx: JobContext, messages: readonly Message[]): Promise<void> {
  for (const message of messages) {
    const content = parseMessage(message.body)
    ctx.log('error', 'ALARM: event message is dead', {
      message_id: message.id,
      is_readable: content !== null,
      event_ids: content ? idsOf(content).join(' ') : undefined,
    })
    if (content && 'attempt' in content) await spill(ctx, [content.attempt])
    message.ack()
  }
}
