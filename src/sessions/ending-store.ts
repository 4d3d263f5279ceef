/** The SQL of ending sessions: one of the caller's, all of them, all but one; and signing out. */
import { eq, type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { beginEpochOf } from '../accounts/epoch-store.ts'
import type { Context } from '../context.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import { CALLER, callerOf, callerRow } from '../guard/caller-store.ts'
import type { Caller } from '../guard/demands.ts'
import { sessionIsLive } from '../guard/live-store.ts'
import { ringState } from '../keys/auth-keys-store.ts'
import { keyIsValid } from '../keys/store.ts'
import { lockUser } from '../one-time/store.ts'
import { type Row, rowsOf } from '../storage/rows.ts'
import { tenantHosts, tenants } from '../storage/schema.ts'
import { tenantColumns } from '../tenants/store.ts'
import { endedSessions, endSessionRows, keepSession } from './ended-store.ts'

/** Which of the caller's sessions end. */
export type Ending = { one: string } | 'others' | 'all'

/**
 * Ends one session of the caller's, or all (others), in a statement that also decides whether the caller may.
 * @returns the caller, for `refuseUnless`; `found` 0 when there is no such session of theirs
 */
export async function endSessions(
  ctx: Pick<Context, 'db' | 'host'> & Recorder,
  caller: Caller,
  ending: Ending,
): Promise<Ended> {
  const [, [row]] = await ctx.db.batch([
    lockUser(ctx, caller.userId),
    typeof ending === 'string' ? endMany(ctx, caller, ending) : endOne(ctx, caller, ending.one),
  ])
  return row ?? { caller: null, found: 0 }
}

const ENDED = { ...CALLER, found: v.number() }
type Ended = Row<typeof ENDED>

function endOne(ctx: Pick<Context, 'db' | 'host'> & Recorder, caller: Caller, id: string) {
  const happened = sql`select tenant_id, user_id as subject,
    jsonb_build_object('session_ids', jsonb_build_array(id), 'by_session', ${caller.sessionId}::text) as data from ended`
  return rowsOf(
    ctx.db,
    ENDED,
  )(sql`
    with ${callerOf(caller, ctx.host)},
    target as (
      select sessions.id from sessions join caller on caller.user_id = sessions.user_id and caller.tenant_id = sessions.tenant_id
      where sessions.id = ${id} for no key update of sessions),
    ended as (
      update sessions set revoked_at = clock_timestamp(), revoke_reason = 'revoked'
      where id in (select id from target) and revoked_at is null returning id, tenant_id, user_id),
    recorded as (${recordEvent(ctx, 'session.revoked', happened)})
    select ${callerRow}, (select count(*)::int from target) as found`)
}

function endMany(ctx: Pick<Context, 'db' | 'host'> & Recorder, caller: Caller, which: 'others' | 'all') {
  const isKept = which === 'others'
  const happened = sql`select tenant_id, user_id as subject,
    jsonb_build_object('by_session', ${caller.sessionId}::text) || ${endedSessions} as data
    from caller where exists (select from ended)`
  const kept = sql`${keepSession(caller.sessionId, sql`caller`)},`
  return rowsOf(
    ctx.db,
    ENDED,
  )(sql`
    with ${callerOf(caller, ctx.host)},
    ${endSessionRows(sql`caller`, { reason: 'revoked', ...(isKept && { sparing: sql`${caller.sessionId}::uuid` }) })},
    ${beginEpochOf(sql`caller`, 'revoked')},
    ${isKept ? kept : sql``}
    recorded as (${recordEvent(ctx, 'session.revoked', happened)})
    select ${callerRow}, (select count(*)::int from newest) as found`)
}

/** The session of a verified access token, live or not, if the token's key still counts: the edge may not know yet. */
export const sessionOfCaller = ({ sessionId, userId, tenant, kid }: Caller): SQL => sql`
  select sessions.id from sessions join signing_keys on ${keyIsValid(kid)}
  where sessions.id = ${sessionId} and sessions.user_id = ${userId} and sessions.tenant_id = ${tenant.id}`

/**
 * Signs a session out: the one that `sessionOf` selects the id of, if any. Twice is the same as once; what is over already
 * does not end again, and no event says so.
 * @returns the host's tenant, whether there is such a session, and the state of the ring, read in the same trip
 */
export async function endSession(ctx: Pick<Context, 'db' | 'host' | 'settings'> & Recorder, sessionOf: SQL) {
  const happened = sql`select tenant_id, user_id as subject, jsonb_build_object('session_id', id) as data from ended`
  const end = ctx.db.execute(sql`
    with ended as (
      update sessions set revoked_at = clock_timestamp(), revoke_reason = 'signed_out'
      where id = (${sessionOf}) and ${sessionIsLive} returning id, tenant_id, user_id)
    ${recordEvent(ctx, 'session.ended', happened)}`)
  const found = ctx.db
    .select({
      tenant: tenantColumns,
      isFound: sql<boolean>`exists (${sessionOf})`,
      ring: ringState(ctx, 'session'),
    })
    .from(tenantHosts)
    .innerJoin(tenants, eq(tenants.id, tenantHosts.tenantId))
    .where(eq(tenantHosts.host, ctx.host))
  const [, [row]] = await ctx.db.batch([end, found])
  return row
}
