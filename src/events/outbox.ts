/**
 * The outbox: what happened, as one row inserted by the statement or batch that makes it happen.
 * So an event can neither be lost nor tell of something that was rolled back, and it costs no trip.
 */
import { type SQL, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { Context, JobContext } from '../context.ts'
import type { ChangeType, EventClient } from './catalogue.ts'
import { priorityOf } from './priority.ts'

/** UUIDv7 (RFC 9562 §5.7) from the request's clock and randomness: no generator state outlives the request. */
export function newId({ now, random }: Pick<Context, 'now' | 'random'>): string {
  return uuidv7({ msecs: now().getTime(), random: random(16) })
}

/** What recording takes of a request; a job has no client. */
export type Recorder = Pick<Context, 'now' | 'random' | 'client' | 'requestId' | 'happened'>
type JobRecorder = Pick<JobContext, 'now' | 'random' | 'client' | 'happened'>
/** Of a statement that a request and a command both send. */
export type AnyRecorder = Recorder | JobRecorder

/** A type that the statement decides: `is` is an expression over `happened`. */
type OneOf = { among: readonly ChangeType[]; is: SQL }

/**
 * `insert into events … select … from <source>`: one event for each row of `source`, so none when nothing changed.
 * `source` must yield the columns `tenant_id`, `subject` (the user) and `data` (jsonb), and at most one row.
 * @param options.actor who did it, as an expression over `happened`; the subject unless given, `null` where it is not known
 * @param options.rare set where nearly every run of the statement records nothing: the sweep takes it within a minute,
 * and the queue is not told each time
 * @param options.isSettled a condition over `happened`: such a row is not handed on. It is written all the same, so
 * that the statement takes as long, and goes with the others that were handed on
 */
export function recordEvent(
  ctx: AnyRecorder,
  type: ChangeType | OneOf,
  source: SQL,
  {
    actor = sql`happened.subject`,
    rare = false,
    isSettled,
  }: { actor?: SQL; rare?: boolean; isSettled?: SQL } = {},
): SQL {
  const id = newId(ctx)
  if (!rare) ctx.happened.recorded.push(id)
  const { among, is } = typeof type === 'string' ? { among: [type], is: sql`${type}` } : type
  return sql`insert into events (id, tenant_id, type, subject, actor, data, client, priority, dispatched_at)
    select ${id}::uuid, happened.tenant_id, ${is}, happened.subject, (${actor})::uuid, happened.data,
      ${ctx.client && JSON.stringify(clientOf(ctx))}::jsonb, ${Math.min(...among.map(priorityOf))},
      ${isSettled ? sql`case when ${isSettled} then clock_timestamp() end` : sql`null`}
    from (${source}) as happened`
}

/**
 * The same for events of one type whose ids were made before: one for each row of `source` (`id`, `tenant_id`, `subject`).
 * The queue is not told; the sweep takes them within a minute.
 * @param options.data an expression over `happened`; empty unless given
 */
export const recordEach = (
  type: ChangeType,
  source: SQL,
  { actor, client, data = sql`'{}'::jsonb` }: { actor: SQL; client: string | null; data?: SQL },
): SQL => sql`
  insert into events (id, tenant_id, type, subject, actor, data, client, priority)
  select id, tenant_id, ${type}, subject, ${actor}, ${data}, ${client}::jsonb, ${priorityOf(type)}
  from (${source}) as happened`

/** Where a request came from, as events keep it. */
export function clientOf({ client, requestId }: Pick<Context, 'client' | 'requestId'>): EventClient {
  return {
    request_id: requestId,
    address: client.truncatedAddress,
    country: client.country,
    city: client.city,
    network: client.asnOrg,
    user_agent: client.userAgent,
    ...(client.apiKeyId !== null && { api_key_id: client.apiKeyId }),
  }
}
