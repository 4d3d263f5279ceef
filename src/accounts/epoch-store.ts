/**
 * The epoch of an account: `users.access_valid_from`. Ending every session is one update of one row, however many sessions
 * there are, because whatever decides that a session lives compares it with the epoch. The rows of the sessions follow:
 * the newest at once, so that a Worker of a release without an epoch sees them ended too, the others in the background
 * (src/sessions/end-sessions.job.ts). Every statement here needs the account's row locked by a statement before it, in the same
 * batch, so that its clock is later than any session that began before.
 */
import { type SQL, sql } from 'drizzle-orm'

/** Why all sessions of an account end. */
export type EndReason = 'secured' | 'closed' | 'revoked'

/** How many sessions a statement ends at once. More of them would make the owner wait for what a thief has piled up. */
const ENDED_AT_ONCE = 250

/** How many sessions an event names: the newest. */
const NAMED_IN_EVENT = 100

/** When the session in `sessions` began, or was last kept while the others ended. */
const since = sql`greatest(sessions.created_at, sessions.kept_at)`

/**
 * Whether the session in `sessions` began in the epoch of its account. A subquery by the primary key, so that it needs no
 * join and no alias of its caller's.
 */
export const isOfEpoch: SQL = sql`coalesce(${since} >= (
  select owner.access_valid_from from users as owner where owner.id = sessions.user_id), true)`

/** Sets for an `update` of `sessions`: this one outlives the epoch that the same statement begins. */
export const keptInEpoch: SQL = sql`kept_at = statement_timestamp()`

/**
 * Sets for an `update` of `users`, in a statement that has the members of `endSessionRows` before it: every session that is older is
 * dead once this is committed.
 * @param when whether it is so; always, unless given
 */
export const beginEpoch = (reason: EndReason, when: SQL = sql`true`): SQL => sql`
  access_valid_from = case when ${when} then statement_timestamp() else users.access_valid_from end,
  ending_reason = case when (select count(*) from newest) > ${ENDED_AT_ONCE} then ${reason} else users.ending_reason end`

/** Member `epoch_begun` of a `with`: the same, and nothing else, for the account in the member `account` (`user_id`). */
export const beginEpochOf = (account: SQL, reason: EndReason): SQL => sql`
  epoch_begun as (update users set ${beginEpoch(reason)} from ${account} as account where users.id = account.user_id)`

/** An account whose sessions end; `validFrom` as PostgreSQL writes it, because a Date would drop the microseconds. */
export type EndingAccount = { id: string; validFrom: string }

/** `update …`: no session is left whose row has to be ended, unless a later epoch has begun meanwhile. */
export const markEnded = ({ id, validFrom }: EndingAccount, isFinished: SQL): SQL => sql`
  update users set ending_reason = null
  where id = ${id} and access_valid_from = ${validFrom}::timestamptz and ${isFinished}`

/**
 * Members of a `with`: the newest sessions of the account in the member `account` (`user_id`, at most one row) end in their
 * rows (`ended`). One more is looked for, which tells whether there is work left for the background.
 * @param sparing the id of a session that does not end
 */
export const endSessionRows = (
  account: SQL,
  { reason, sparing = sql`null::uuid` }: { reason: EndReason; sparing?: SQL },
): SQL => sql`
  newest as (
    select newest.id from ${account} as account cross join lateral (
      select sessions.id from sessions
      where sessions.user_id = account.user_id and sessions.revoked_at is null and sessions.id is distinct from ${sparing}
      order by sessions.id desc limit ${ENDED_AT_ONCE + 1}) as newest),
  ended as (
    update sessions set revoked_at = clock_timestamp(), revoke_reason = ${reason}
    where id in (
      select sessions.id from sessions
      where sessions.id = any(array(select id from newest order by id desc limit ${ENDED_AT_ONCE}))
      order by sessions.id for no key update of sessions)
      and revoked_at is null
    returning id)`

/** What an event says of them: `session_ids`, and `session_count` where it is more than those. */
export const endedSessions: SQL = sql`jsonb_strip_nulls(jsonb_build_object(
  'session_ids', (select coalesce(jsonb_agg(id), '[]'::jsonb) from (
    select id from ended order by id desc limit ${NAMED_IN_EVENT}) as named),
  'session_count', (select nullif(greatest(count(*), ${NAMED_IN_EVENT}), ${NAMED_IN_EVENT}) from newest)))`
