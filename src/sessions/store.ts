/** The `sessions` rows: starting and listing them, and whose a call is. Every statement names the tenant. */
import { and, desc, eq, type SQL, sql } from 'drizzle-orm'
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
import { sessionIsLive } from './live-store.ts'
import { displaceOldest, LOOKED_AT } from './session-limit-store.ts'

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

/** Ten a day for as long as ended sessions are kept, and more. */
const DEVICES_LOOKED_AT = 500

/**
 * Of `started`, whether its account has been used before, and none of its newest sessions was with such a device in such a
 * country. Sessions that ended more than a month ago are forgotten, so a device comes to be new again; an account's first
 * session is not news.
 */
const isNewDevice = sql`(
  -- In order of the index: a search for any row is planned as a look at the table where one account has much of it.
  (select sessions.id from sessions where sessions.user_id = started.user_id order by sessions.id desc limit 1) is not null
  and not exists (
    select from (
      select country, device_label, user_agent from sessions
      where sessions.user_id = started.user_id order by sessions.id desc limit ${DEVICES_LOOKED_AT}) as earlier
    where earlier.country is not distinct from started.country
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
  const displaced = sql`select tenant_id, user_id as subject, jsonb_build_object('by_session', id,
    'session_ids', (select jsonb_agg(id) from displaced)) as data from started where exists (select from displaced)`
  return sql`
    started as (
      insert into sessions (id, tenant_id, user_id, created_at, auth_time, expires_at, idle_expires_at, amr, aal,
        address, country, city, asn_org, user_agent, device_label)
      -- Not the start of the transaction: it may have waited for an epoch to begin.
      select ${id}::uuid, users.tenant_id, users.id, clock_timestamp(),
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
    start_recorded as (${recordEvent(ctx, 'session.started', event)}),
    ${displaceOldest(policy.max_sessions)},
    displaced_recorded as (${recordEvent(ctx, 'session.displaced', displaced, { rare: true })})`
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
  // Of the owner's sessions whose rows have not ended, the newest, and the caller's own, which may be the oldest of all.
  const newest = sql`
    select open.id from sessions as open where open.user_id = (${owner}) and open.revoked_at is null
      ${after === null ? sql`` : sql`and open.id < ${after}::uuid`} order by open.id desc limit ${LOOKED_AT}`
  const own = after === null || sid < after ? sql`${sid}::uuid` : sql`null::uuid`
  const looked = sql`array_append(array(${newest}), ${own})`
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
        sql`${sessions.id} = any(${looked})`,
        eq(sessions.userId, sql`(${owner})`),
        eq(sessions.tenantId, sql`(${tenant})`),
        sessionIsLive,
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
