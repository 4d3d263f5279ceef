/** The `sessions` rows: starting, listing and ending them. Every statement names the tenant. */
import { and, desc, eq, gt, isNull, lt, type SQL, sql } from 'drizzle-orm'
import { selfColumns, userIsActive } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import type { KeyedTokenHash } from '../crypto/opaque-token.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import type { KeyedWorker } from '../keys/auth-keys.ts'
import { announceKey, ringState } from '../keys/auth-keys-store.ts'
import { keyIsValid, publicKeyColumns } from '../keys/store.ts'
import { refreshTokens, sessions, signingKeys, tenantHosts, tenants, users } from '../storage/schema.ts'
import { tenantColumns } from '../tenants/store.ts'
import type { TenantPolicy } from '../tenants/tenants.ts'
import type { Caller } from './caller.ts'
import { deviceLabel } from './device.ts'

/** `clock_timestamp()`, not `now()`: after a wait for a lock, the start of the transaction is the past. */
export const sessionIsLive = and(
  isNull(sessions.revokedAt),
  gt(sessions.expiresAt, sql`clock_timestamp()`),
  gt(sessions.idleExpiresAt, sql`clock_timestamp()`),
)

/** The database's clock, for what an answer says before its statement runs. */
export const databaseTime = sql`now()`.mapWith((value: string) => new Date(value))

export type NewSession = {
  id: string
  /** Now, by the database's clock, as the same request read it: so the answer is known before the session begins. */
  startedAt: Date
  refreshTokenId: string
  refreshTokenHash: KeyedTokenHash
  policy: TenantPolicy
  /** Authentication methods (RFC 8176), e.g. `['pwd']`, and the assurance level they reach. */
  amr: string[]
  aal: 1 | 2
  /** Whether the caller's browser has proved that it signed in to this account before. */
  isKnownBrowser?: boolean
}

/**
 * Of `started`, whether its account has been used before, and never with such a device in such a country. Sessions that
 * ended more than a month ago are forgotten, so a device comes to be new again; an account's first session is not news.
 */
const isNewDevice = sql`(
  exists (select from sessions as earlier where earlier.user_id = started.user_id)
  and not exists (
    select from sessions as earlier where earlier.user_id = started.user_id
      and earlier.country is not distinct from started.country
      and coalesce(earlier.device_label, earlier.user_agent) is not distinct from coalesce(started.device_label, started.user_agent)))`

/**
 * The members of a `with` that begin a session: the session (`started`), its first refresh token and the event.
 * @param from for whom and under which conditions: `from … as users where …`, yielding `id` and `tenant_id`;
 * when it yields no row nothing is inserted
 */
export function startSession(
  ctx: Recorder & Pick<Context, 'settings'>,
  { id, startedAt, refreshTokenId, refreshTokenHash, policy, amr, aal, isKnownBrowser = false }: NewSession,
  from: SQL,
): SQL {
  const { client } = ctx
  const event = sql`select tenant_id, user_id as subject, jsonb_build_object('session_id', id, 'amr', amr,
    'new_device', ${isKnownBrowser ? sql`false` : isNewDevice}) as data from started`
  return sql`
    started as (
      insert into sessions (id, tenant_id, user_id, auth_time, expires_at, idle_expires_at, amr, aal,
        address, country, city, asn_org, user_agent, device_label)
      select ${id}::uuid, users.tenant_id, users.id,
        ${startedAt.toISOString()}::timestamptz,
        ${expiresAt(startedAt, policy.session_absolute_seconds)}::timestamptz,
        ${expiresAt(startedAt, refreshSeconds(policy))}::timestamptz,
        ${sql.param(amr, sessions.amr)}::text[], ${aal}::smallint,
        ${client.truncatedAddress}, ${client.country}, ${client.city}, ${client.asnOrg},
        ${client.userAgent}, ${deviceLabel(client.userAgent)}
      ${from}
      returning *),
    first_token as (
      insert into refresh_tokens (id, tenant_id, session_id, hash, key_id, expires_at)
      select ${refreshTokenId}::uuid, tenant_id, id, ${bytes(refreshTokenHash)}, ${refreshTokenHash.keyId}, idle_expires_at
      from started),
    ${announceKey(ctx, sql`started`)},
    start_recorded as (${recordEvent(ctx, 'session.started', event)})`
}

/** Life of a session's first refresh token, in seconds: idle, but never beyond the session. */
export const refreshSeconds = (policy: TenantPolicy) =>
  Math.min(policy.session_idle_seconds, policy.session_absolute_seconds)

const expiresAt = (startedAt: Date, seconds: number) =>
  new Date(startedAt.getTime() + seconds * 1000).toISOString()

/** A hash as a bytea parameter. */
export const bytes = ({ hash }: KeyedTokenHash) => sql`${sql.param(hash, refreshTokens.hash)}::bytea`

/** Everything that deciding on an access token needs, by what the token claims; nothing here is proof by itself. */
export function findCaller(
  ctx: Pick<Context, 'db' | 'host' | 'settings'>,
  { kid, sid }: { kid: string; sid: string },
  worker: KeyedWorker | null,
) {
  return ctx.db
    .select({
      tenant: tenantColumns,
      key: publicKeyColumns,
      user: selfColumns,
      ring: worker ? ringState(ctx, worker) : sql<null>`null`,
    })
    .from(tenantHosts)
    .innerJoin(tenants, eq(tenants.id, tenantHosts.tenantId))
    .leftJoin(signingKeys, keyIsValid(kid))
    .leftJoin(sessions, and(eq(sessions.id, sid), eq(sessions.tenantId, tenants.id), sessionIsLive))
    .leftJoin(users, and(eq(users.id, sessions.userId), userIsActive))
    .where(eq(tenantHosts.host, ctx.host))
}

/** The live sessions of the owner of session `sid`, newest first; `after` is the last id of the page before. */
export function listSessions(
  { db, host }: Pick<Context, 'db' | 'host'>,
  { sid }: { sid: string },
  { after, limit }: { after: string | null; limit: number },
) {
  const owner = db.select({ id: sessions.userId }).from(sessions).where(eq(sessions.id, sid))
  const tenant = db.select({ id: tenantHosts.tenantId }).from(tenantHosts).where(eq(tenantHosts.host, host))
  return db
    .select({
      id: sessions.id,
      createdAt: sessions.createdAt,
      lastUsedAt: sessions.lastUsedAt,
      expiresAt: sessions.expiresAt,
      address: sessions.address,
      country: sessions.country,
      city: sessions.city,
      network: sessions.asnOrg,
      userAgent: sessions.userAgent,
      device: sessions.deviceLabel,
      methods: sessions.amr,
    })
    .from(sessions)
    .where(
      and(
        eq(sessions.userId, sql`(${owner})`),
        eq(sessions.tenantId, sql`(${tenant})`),
        sessionIsLive,
        after === null ? undefined : lt(sessions.id, after),
      ),
    )
    .orderBy(desc(sessions.id))
    .limit(limit)
}

/** The caller once more, inside a writing statement: the key stands, the session lives and the account is active now. */
export const callerIsLive = (caller: Caller, host: string): SQL => sql`
  select sessions.id as session_id, sessions.user_id, sessions.tenant_id, users.roles
  from sessions
  join users on users.id = sessions.user_id and ${userIsActive}
  join tenant_hosts on tenant_hosts.tenant_id = sessions.tenant_id and tenant_hosts.host = ${host}
  join signing_keys on ${keyIsValid(caller.kid)}
  where sessions.id = ${caller.sessionId} and sessions.user_id = ${caller.userId} and ${sessionIsLive}`

/**
 * The same, if they are an administrator at this moment: members `caller` and `admin` of a `with`. End the statement
 * with `select ${countAdmin}` and hand its row to `refuseUnlessAdmin`.
 */
export const callerIsAdmin = (caller: Caller, host: string): SQL => sql`
  caller as (${callerIsLive(caller, host)}),
  admin as (select * from caller where ${ADMIN} = any(roles))`

export const countAdmin = sql`
  (select count(*)::int from caller) as callers, (select count(*)::int from admin) as admins`

/** The role that administers a tenant. */
export const ADMIN = 'admin'

/** Which of the caller's sessions end. */
export type Ending = { one: string } | 'others' | 'all'

/**
 * Ends sessions of the caller in one statement, which also decides whether the caller may.
 * Rows are locked in order of id, so that two of these cannot deadlock.
 * @returns `callers` 0 when the caller's session is not live; `found` 0 when there is no such session of theirs
 */
export async function endSessions(
  ctx: Pick<Context, 'db' | 'host'> & Recorder,
  caller: Caller,
  ending: Ending,
) {
  // Many are sought among the live ones alone, which the partial index holds; one may have ended already.
  const which = {
    all: sql`sessions.revoked_at is null`,
    others: sql`sessions.revoked_at is null and sessions.id <> caller.session_id`,
    one: sql`sessions.id = ${typeof ending === 'string' ? null : ending.one}`,
  }[typeof ending === 'string' ? ending : 'one']
  const happened = sql`select tenant_id, user_id as subject,
    jsonb_build_object('session_ids', jsonb_agg(id), 'by_session', ${caller.sessionId}::text) as data
    from ended group by tenant_id, user_id`
  const { rows } = await ctx.db.execute<{ callers: number; found: number }>(sql`
    with caller as (${callerIsLive(caller, ctx.host)}),
    targets as (
      select sessions.id from sessions join caller on caller.user_id = sessions.user_id and caller.tenant_id = sessions.tenant_id
      where ${which} order by sessions.id for no key update of sessions),
    ended as (
      update sessions set revoked_at = clock_timestamp(), revoke_reason = 'revoked'
      where id in (select id from targets) and revoked_at is null returning id, tenant_id, user_id),
    recorded as (${recordEvent(ctx, 'session.revoked', happened)})
    select (select count(*)::int from caller) as callers, (select count(*)::int from targets) as found`)
  return rows[0] ?? { callers: 0, found: 0 }
}

/** The session of a verified access token, live or not. */
export const sessionOfCaller = ({ sessionId, userId, tenant }: Caller): SQL =>
  sql`select id from sessions where id = ${sessionId} and user_id = ${userId} and tenant_id = ${tenant.id}`

/**
 * Signs a session out: the one that `sessionOf` selects the id of, if any. Twice is the same as once.
 * @returns the host's tenant, whether there is such a session, and the state of the ring, read in the same trip
 */
export async function endSession(ctx: Pick<Context, 'db' | 'host' | 'settings'> & Recorder, sessionOf: SQL) {
  const happened = sql`select tenant_id, user_id as subject, jsonb_build_object('session_id', id) as data from ended`
  const end = ctx.db.execute(sql`
    with ended as (
      update sessions set revoked_at = clock_timestamp(), revoke_reason = 'signed_out'
      where id = (${sessionOf}) and revoked_at is null returning id, tenant_id, user_id)
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
