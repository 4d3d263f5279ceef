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
export const ENDED_AT_ONCE = 250

/** When the session in `sessions` began, or was last kept while the others ended. */
const since = sql`greatest(sessions.created_at, sessions.kept_at)`

/**
 * Whether the session in `sessions` began in the epoch of its account. A subquery by the primary key, so that it needs no
 * join and no alias of its caller's.
 */
export const isOfEpoch: SQL = sql`coalesce(${since} >= (
  select owner.access_valid_from from users as owner where owner.id = sessions.user_id), true)`

/** The same where `users` is joined, and has the account's row. */
export const isOfJoinedEpoch: SQL = sql`coalesce(${since} >= users.access_valid_from, true)`

/**
 * Sets for an `update` of `users`, in a statement that has the members of `endSessionRows` (src/sessions/ended-store.ts) before it: every session that is older is
 * dead once this is committed.
 * @param when whether it is so; always, unless given
 */
export const beginEpoch = (reason: EndReason, when: SQL = sql`true`): SQL => sql`
  access_valid_from = case when ${when} then statement_timestamp() else users.access_valid_from end,
  ending_reason = case when (select count(*) from newest) > ${ENDED_AT_ONCE} then ${reason} else users.ending_reason end`

/**
 * Member `epoch_begun` of a `with`: the same for the account in the member `account` (`user_id`).
 * @param also what else is set of it
 */
export const beginEpochOf = (account: SQL, reason: EndReason, also?: SQL): SQL => sql`
  epoch_begun as (
    update users set ${beginEpoch(reason)} ${also ? sql`, ${also}` : sql``}
    from ${account} as account where users.id = account.user_id)`

/** An account whose sessions end; `validFrom` as PostgreSQL writes it, because a Date would drop the microseconds. */
export type EndingAccount = { id: string; validFrom: string }

/** `update …`: no session is left whose row has to be ended, unless a later epoch has begun meanwhile. */
export const markEnded = ({ id, validFrom }: EndingAccount, isFinished: SQL): SQL => sql`
  update users set ending_reason = null
  where id = ${id} and access_valid_from = ${validFrom}::timestamptz and ${isFinished}`
