/**
 * The sessions of an account that end with its epoch (src/accounts/epoch-store.ts), as members of the statement that begins
 * it: the newest in their rows, the rest in the background (end-sessions.job.ts).
 */
import { type SQL, sql } from 'drizzle-orm'
import { ENDED_AT_ONCE, type EndReason } from '../accounts/epoch-store.ts'

/** How many sessions an event names: the newest. */
const NAMED_IN_EVENT = 100

/** Sets for an `update` of `sessions`: this one outlives the epoch that the same statement begins. */
export const keptInEpoch: SQL = sql`kept_at = statement_timestamp()`

/** Member `kept` of a `with`: the session outlives the epoch, where the member `when` has a row. */
export const keepSession = (sessionId: string, when: SQL): SQL => sql`
  kept as (update sessions set ${keptInEpoch} from ${when} where sessions.id = ${sessionId})`

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
