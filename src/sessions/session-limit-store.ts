/**
 * How many sessions an account may have at once (`max_sessions` of its tenant). The statement that begins one ends the
 * oldest that are over it. It looks at a bounded number of rows, so that no pile makes its owner wait: sign-ins at the same
 * moment may go over the limit by as many as they are, and the next ones bring it down. So a sign-in that has counted fewer
 * (`openSessionsOf`) needs no part of it.
 */
import { type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { sessionIsLive } from '../guard/live-store.ts'

/** How many of an account's newest sessions are looked at; more than any tenant's limit. */
export const LOOKED_AT = 1000

/** For `db.select`: how many sessions of the account have not ended, those included that expired; as far as is looked. */
export const openSessionsOf = (userId: PgColumn) =>
  sql<number>`(select count(*) from (
    select from sessions where sessions.user_id = ${userId} and sessions.revoked_at is null limit ${LOOKED_AT}) as open)`.mapWith(
    Number,
  )

/** How many end with one that begins: more than one, so that a pile gets smaller. */
const ENDED_AT_ONCE = 10

/**
 * Members of a `with`, after `started`: the sessions that end for the one that begins (`displaced`). The account's row is
 * locked already. A session that another statement holds is passed over.
 */
export const displaceOldest = (maxSessions: number): SQL => sql`
  open as (
    select sessions.id, ${sessionIsLive} as is_live from sessions
    where sessions.user_id = (select user_id from started) and sessions.revoked_at is null
    order by sessions.id desc limit ${LOOKED_AT}),
  surplus as (
    select id from (
      select id, count(*) over (order by id desc) as position from open where is_live) as live
    where position >= ${maxSessions} order by id limit ${ENDED_AT_ONCE}),
  -- Rows that are no longer read: of sessions that expired, or of an epoch that is over.
  unseen as (
    select sessions.id from sessions
    where sessions.user_id = (select user_id from started) and sessions.revoked_at is null and sessions.kept_at is null
      and (select count(*) from open) >= ${LOOKED_AT}
    order by sessions.id limit ${ENDED_AT_ONCE}),
  displaced as (
    update sessions set revoked_at = clock_timestamp(), revoke_reason = 'displaced'
    where id in (
      select sessions.id from sessions
      where sessions.id = any(array(select id from surplus union select id from unseen)) and sessions.revoked_at is null
      order by sessions.id for no key update of sessions skip locked)
    returning id)`
