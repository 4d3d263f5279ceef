/** The SQL of housekeeping. Everything here may run twice, at once, or be cut off: each statement is a whole step. */
import { type SQL, sql } from 'drizzle-orm'
import type { JobContext } from '../context.ts'

const isLongOver = sql`(sessions.revoked_at < now() - interval '30 days' or sessions.expires_at < now() - interval '30 days')`

/** Which rows of `table` nothing needs any more; `from` where others decide that. Each `where` has its index. */
type Outlived = { table: SQL; from?: SQL; where: SQL }

const OUTLIVED = {
  // Those of sessions that ended early. Before their sessions: one may have thousands, and its cascade would take them at once.
  refresh_tokens_of_ended_sessions: {
    table: sql`refresh_tokens`,
    from: sql`sessions join refresh_tokens on refresh_tokens.session_id = sessions.id`,
    where: isLongOver,
  },
  // Kept for a month after their end, for a person who asks what that session was.
  ended_sessions: {
    table: sql`sessions`,
    // Of so many that are over, those without tokens: where a million wait for theirs to go, no batch looks at them all.
    where: sql`sessions.id = any(array(
      select over.id from (select sessions.id from sessions where ${isLongOver} limit 10000) as over
      where not exists (select from refresh_tokens where session_id = over.id)))`,
  },
  // A used token is what tells a thief from its owner (RFC 9700 §4.14), so it stays as long as its owner could still
  // have come with it, and a month more. One that expired unused was its session's last: nothing refreshes that any more.
  expired_refresh_tokens: {
    table: sql`refresh_tokens`,
    where: sql`refresh_tokens.expires_at < now() - interval '30 days'`,
  },
  idempotency_keys: { table: sql`idempotency_keys`, where: sql`expires_at < now()` },
  // A password that a hundred failures made no way in (src/accounts/attempts.ts) stays none, however long nobody tries:
  // to forget it would be to allow the next hundred guesses. Where no account was, there is nothing to guess; whatever
  // gives an address its account forgets them too. The few that stay are passed over each time.
  sign_in_failures: {
    table: sql`sign_in_failures`,
    where: sql`last_attempt_at < now() - interval '30 days'
      and (consecutive_failures < 100 or (not has_account and last_attempt_at < now() - interval '90 days'))`,
  },
  // A link says for another day why it is not valid. Wrong codes are counted on their rows, and are forgotten as wrong
  // passwords are: after a hundred of them the code of an account stays no way in (src/one-time/purposes.ts).
  one_time_tokens: {
    table: sql`one_time_tokens`,
    where: sql`expires_at < now() - interval '1 day'
      and (failures = 0 or (failures < 100 and expires_at < now() - interval '30 days')
        or (user_id is null and expires_at < now() - interval '90 days'))`,
  },
  dispatched_events: {
    table: sql`events`,
    where: sql`dispatched_at is not null and dispatched_at < now() - interval '7 days'`,
  },
  settled_mails: {
    table: sql`mails`,
    where: sql`state <> 'pending' and settled_at < now() - interval '30 days'`,
  },
  settled_webhook_deliveries: {
    table: sql`webhook_deliveries`,
    where: sql`state <> 'pending' and settled_at < now() - interval '30 days'`,
  },
  // What it signed was dead when it expired; the row is kept for an operator who reads a log of then.
  retired_signing_keys: {
    table: sql`signing_keys`,
    where: sql`state = 'retired' and expires_at < now() - interval '7 days'`,
  },
} as const satisfies Record<string, Outlived>

export type OutlivedKind = keyof typeof OUTLIVED

/** In the order in which they go. */
export const OUTLIVED_KINDS = Object.keys(OUTLIVED) as OutlivedKind[] // Object.keys forgets the type

/**
 * Deletes at most `limit` rows and passes over those that another statement holds. By their places (`ctid`), which stay
 * while the statement holds the rows and fit every table; an array, because a join would look at the whole table.
 * @returns how many went
 */
export async function deleteOutlived(
  { db }: Pick<JobContext, 'db'>,
  kind: OutlivedKind,
  limit: number,
): Promise<number> {
  const { table, where, from = table }: Outlived = OUTLIVED[kind]
  const { rowCount } = await db.execute(sql`
    delete from ${table} where ctid = any(array(
      select ${table}.ctid from ${from} where ${where} limit ${limit} for update of ${table} skip locked))`)
  return rowCount ?? 0
}
