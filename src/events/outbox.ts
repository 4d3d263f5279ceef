/**
 * The outbox: what happened, as one row inserted by the statement or batch that makes it happen (DESIGN.md §6).
 * So an event can neither be lost nor tell of something that was rolled back, and it costs no trip.
 */
import { type SQL, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { Context } from '../context.ts'

export type EventType =
  | 'user.registered'
  | 'user.updated'
  | 'session.started'
  | 'session.ended'
  | 'session.revoked'
  | 'session.reuse_detected'

/** UUIDv7 (RFC 9562 §5.7) from the request's clock and randomness: no generator state outlives the request. */
export function newId({ now, random }: Pick<Context, 'now' | 'random'>): string {
  return uuidv7({ msecs: now().getTime(), random: random(16) })
}

/**
 * `insert into events … select … from <source>`: one event for each row of `source`, so none when nothing changed.
 * `source` must yield the columns `tenant_id`, `subject` (the user) and `data` (jsonb), and at most one row.
 */
export function recordEvent(ctx: Pick<Context, 'now' | 'random'>, type: EventType, source: SQL): SQL {
  return sql`insert into events (id, tenant_id, type, subject, data)
    select ${newId(ctx)}::uuid, happened.tenant_id, ${type}, happened.subject, happened.data from (${source}) as happened`
}
