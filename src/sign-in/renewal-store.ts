/** The SQL that authenticates a session anew. No other file sets `auth_time`. */
import { type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { ATTEMPTS, NO_ATTEMPTS } from '../accounts/attempts-store.ts'
import type { Context } from '../context.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import { CALLER, callerOf, callerRow } from '../guard/caller-store.ts'
import type { Caller } from '../guard/demands.ts'
import { sessionIsLive } from '../guard/live-store.ts'
import { lockUser } from '../one-time/store.ts'
import type { IssuedTokens } from '../sessions/tokens.ts'
import { type Row, rowsOf, Time } from '../storage/rows.ts'
import { sessions } from '../storage/schema.ts'

/** Members of a `with`: the caller (`caller`), and their session, locked (`standing`). */
export const standingSession = (caller: Caller, host: string): SQL => sql`
  ${callerOf(caller, host)},
  -- Locked, and looked at again: a session that was revoked while this waited must not be renewed.
  standing as (
    select sessions.id from sessions join caller on caller.session_id = sessions.id
    where ${sessionIsLive} for no key update of sessions)`

/**
 * `update … returning *`, after `standingSession`: the caller's session is authenticated now.
 * @param proof a join, over `caller`, with what was verified and must still be so
 * @param when what else must be so
 * @param also what else is set of the session, each with a comma before it
 * @param raises what was passed besides what the session says already
 */
export const renewSession = ({
  proof,
  when,
  also,
  raises,
}: {
  proof: SQL
  when: SQL
  also: SQL
  raises?: { amr: readonly string[]; aal: 1 | 2 }
}): SQL => sql`
  update sessions set auth_time = clock_timestamp(), last_used_at = clock_timestamp() ${also}
    ${raises === undefined ? sql`` : sql`, aal = greatest(aal, ${raises.aal}::smallint), amr = ${withMethods(raises.amr)}`}
  from caller ${proof}
  where sessions.id = caller.session_id and ${sessionIsLive} and exists (select from standing) and ${when}
  returning sessions.*`

type Renewal = Parameters<typeof renewSession>[0]

/**
 * Authenticates the caller's session anew, in one statement, and tells so.
 * @param members of the `with`, after `standingSession`: what `renewal` joins, and `attempts`
 * @param after members that need `renewed`, each with a comma after it
 * @returns the session, or null where it or the proof is gone, with how attempts were
 */
export async function renewOnly(
  ctx: Pick<Context, 'db' | 'host'> & Recorder,
  caller: Caller,
  { members, renewal, after = sql`` }: { members: SQL; renewal: Renewal; after?: SQL },
): Promise<Renewed> {
  const happened = sql`
    select tenant_id, user_id as subject, jsonb_build_object('session_id', id) as data from renewed`
  const renew = rowsOf(
    ctx.db,
    RENEWED,
  )(sql`
    with ${standingSession(caller, ctx.host)},
    ${members},
    renewed as (${renewSession(renewal)}),
    ${after}
    recorded as (${recordEvent(ctx, 'session.confirmed', happened)})
    ${RENEWAL}`)
  const [, [row]] = await ctx.db.batch([lockUser(ctx, caller.userId), renew])
  return row ?? NOT_RENEWED
}

/** What the tokens of a session that goes on will say. */
const RENEWED_SESSION = v.object({
  expiresAt: Time,
  authTime: Time,
  amr: v.array(v.string()),
  aal: v.number(),
  statusIndex: v.nullable(v.number()),
  idleSeconds: v.number(),
})
export type RenewedSession = v.InferOutput<typeof RENEWED_SESSION>

/** What a renewal came to: the caller, for `refuseUnless`, the session that was renewed, if any, and the attempts. */
export const RENEWED = { ...CALLER, ...ATTEMPTS, session: v.nullable(RENEWED_SESSION) }
export type Renewed = Row<typeof RENEWED>

/** The end of a statement with the members `renewed` and `attempts`, besides those of `standingSession`. */
export const RENEWAL = sql`
  select ${callerRow}, coalesce((select failures from attempts), 0) as failures,
    coalesce((select wait_seconds from attempts), 0) as wait_seconds, (
    select jsonb_build_object('expiresAt', expires_at, 'authTime', auth_time, 'amr', amr, 'aal', aal, 'statusIndex', status_index,
      'idleSeconds', greatest(0, extract(epoch from idle_expires_at - clock_timestamp()))::int)
    from renewed) as session`

export const NOT_RENEWED: Renewed = { caller: null, session: null, ...NO_ATTEMPTS }

/** The tokens of a session that goes on with the refresh token that it has. */
export const renewedTokens = (
  { caller, user, key }: { caller: Caller; user: IssuedTokens['user']; key: IssuedTokens['key'] },
  { idleSeconds, ...session }: RenewedSession,
): IssuedTokens => ({
  tenant: caller.tenant,
  key,
  user,
  session: { id: caller.sessionId, ...session },
  refreshToken: null,
  refreshExpiresInSeconds: idleSeconds,
})

/** What the session says already, and each of `amr` that it does not. */
const withMethods = (amr: readonly string[]) => sql`sessions.amr || array(
  select method from unnest(${sql.param([...amr], sessions.amr)}::text[]) as method where method <> all(sessions.amr))`
