/** The SQL that authenticates a session anew. No other file sets `auth_time`. */
import { type SQL, sql } from 'drizzle-orm'
import { callerOf } from '../guard/caller-store.ts'
import type { Caller } from '../guard/demands.ts'
import { sessionIsLive } from '../guard/live-store.ts'

/** Members of a `with`: the caller (`caller`), and their session, locked (`standing`). */
export const standingSession = (caller: Caller, host: string): SQL => sql`
  ${callerOf(caller, host)},
  -- Locked, and looked at again: a session that was revoked while this waited must not be renewed.
  standing as (
    select sessions.id from sessions join caller on caller.session_id = sessions.id
    where ${sessionIsLive} for no key update of sessions)`

/**
 * `update … returning *`, after `standingSession`: the caller's session is authenticated now.
 * @param proof a join, over `caller`, with what was verified and must still stand
 * @param when what else must be so
 * @param also what else is set of the session, each with a comma before it
 */
export const renewSession = ({ proof, when, also }: { proof: SQL; when: SQL; also: SQL }): SQL => sql`
  update sessions set auth_time = clock_timestamp(), last_used_at = clock_timestamp() ${also}
  from caller ${proof}
  where sessions.id = caller.session_id and ${sessionIsLive} and exists (select from standing) and ${when}
  returning sessions.*`
