/**
 * Rotation of refresh tokens (RFC 9700 §4.14), the SQL of it: one batch, so one transaction and one trip, that locks
 * the session's row first. Whoever waits for that lock sees, in each later statement, what the winner committed.
 * So of any number of simultaneous refreshes one uses the token and all answer the same successor.
 */
import { and, eq, type SQL, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/pg-core'
import { isOfEpoch } from '../accounts/epoch-store.ts'
import { userColumns, userIsActive } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import { newId, type Recorder, recordEvent } from '../events/outbox.ts'
import { sessionIsLive } from '../guard/live-store.ts'
import { originToAllow } from '../http/origin.ts'
import { announceKey, ringState } from '../keys/auth-keys-store.ts'
import { canSign, sealedKeyColumns } from '../keys/store.ts'
import { LIMITS, type Limit } from '../limits/limits.ts'
import { refreshTokens, sessions, signingKeys, tenantHosts, tenants, users } from '../storage/schema.ts'
import { tenantColumns } from '../tenants/store.ts'
import { DEFAULT_POLICY } from '../tenants/tenants.ts'
import { deviceFingerprint } from './device.ts'
import type { KeyedTokenHash } from './refresh-token.ts'
import { bytes } from './store.ts'

/** A token that was used may be presented again by anyone for this long, as long as its successor is unused. */
const REPEAT_SECONDS = 30

const { rate: REFRESHES, seconds: WINDOW_SECONDS } = LIMITS.refresh.postgres.session

/** How often a session may refresh: counted on the row that each rotation locks and writes anyway. */
export const refreshLimit = ({ settings }: Pick<Context, 'settings'>): Limit => ({
  rate: REFRESHES * settings.limitsMultiplier,
  seconds: WINDOW_SECONDS,
})

const windowIsOver = sql`sessions.refreshes_counted_from <= clock_timestamp() - make_interval(secs => ${WINDOW_SECONDS})`

/** `token.hash` is one of the presented token's hashes. */
const tokenIs = (presented: KeyedTokenHash[]) =>
  sql`token.hash in (${sql.join(presented.map(bytes), sql`, `)})`

/**
 * `refresh_tokens token join … where …`: the presented token, on a host of its own tenant and from an origin that this
 * tenant allows, or no row. So a token means nothing to another tenant, and a foreign page cannot use a browser's cookie.
 */
function presentedToken(
  ctx: Pick<Context, 'host' | 'callerOrigin' | 'fetchSite' | 'origin'>,
  presented: KeyedTokenHash[],
): SQL {
  const origin = originToAllow(ctx)
  return sql`
    refresh_tokens token
    join tenants on tenants.id = token.tenant_id
    join tenant_hosts on tenant_hosts.tenant_id = tenants.id and tenant_hosts.host = ${ctx.host}
    where ${tokenIs(presented)} and (${origin}::text is null or ${origin}::text = any(tenants.allowed_origins))`
}

/** The session that a refresh token belongs to, used or not. */
export const sessionOfRefreshToken = (
  ctx: Pick<Context, 'host' | 'callerOrigin' | 'fetchSite' | 'origin'>,
  presented: KeyedTokenHash[],
): SQL => sql`select token.session_id from ${presentedToken(ctx, presented)}`

const token = alias(refreshTokens, 'token')
const child = alias(refreshTokens, 'child')

export type Rotation = {
  /** The presented token under every key of the ring, newest first. */
  presented: KeyedTokenHash[]
  successor: KeyedTokenHash
}

/**
 * The end of a statement that has the member `presented`: a used token ends its session, unless it is a repeat that may be
 * answered again. Within 30 seconds every repeat may; within the life of an access token that of the device that used it,
 * whose answer was lost; none once the successor was used. Without evidence of a copy the owner is told of no theft.
 */
function endOfRepeated(ctx: Recorder, fingerprint: string | null): SQL {
  const { client } = ctx
  const device = sql`${fingerprint}::text`
  const usedSince = (seconds: SQL | number) =>
    sql`presented.used_at > clock_timestamp() - make_interval(secs => ${seconds})`
  const country = NO_COUNTRY.includes(client.country ?? '') ? null : client.country
  const isSameDevice = sql`(sessions.refreshed_by = ${device} and (sessions.asn_org = ${client.asnOrg}
    or sessions.country = ${country} or sessions.address = ${client.truncatedAddress})) is true`
  // A device in another place is none: people travel, and switch their VPN on.
  const evidence = sql`case when next.used_at is not null then 'successor_used'
    when sessions.refreshed_by is not null and sessions.refreshed_by is distinct from ${device} then 'other_device' end`
  const record = (type: 'session.reuse_detected' | 'session.late_repeat', which: SQL) => {
    const data = sql`jsonb_strip_nulls(jsonb_build_object('session_id', id, 'evidence', evidence))`
    const source = sql`select tenant_id, user_id as subject, ${data} as data from revoked where ${which}`
    return recordEvent(ctx, type, source, { actor: sql`null`, rare: true })
  }
  return sql`
    revoked as (
      update sessions set revoked_at = clock_timestamp(),
        revoke_reason = case when ${evidence} is null then 'late_repeat' else 'reuse_detected' end
      from presented left join refresh_tokens next on next.parent_id = presented.id
      where sessions.id = presented.session_id and sessions.revoked_at is null and ${isOfEpoch} and presented.used_at is not null
        and (next.used_at is not null or not (${usedSince(REPEAT_SECONDS)}
          or (next.id is not null and ${usedSince(sql`presented.access_seconds`)} and ${isSameDevice})))
        -- A session that is over has nothing left to end; of a copy its owner hears all the same.
        and (${sessionIsLive} or ${evidence} is not null)
      returning sessions.id, sessions.user_id, sessions.tenant_id, ${evidence} as evidence),
    late_recorded as (${record('session.late_repeat', sql`evidence is null`)})
    ${record('session.reuse_detected', sql`evidence is not null`)}`
}

/** What Cloudflare says of addresses that it cannot place, and of Tor: two of them need not be in one country. */
const NO_COUNTRY = ['XX', 'T1']

/** A number of seconds from the settings of `tenants`. */
const tenantSeconds = (name: 'session_idle_seconds' | 'access_token_seconds') =>
  sql`coalesce((tenants.settings->>${sql.raw(`'${name}'`)})::int, ${DEFAULT_POLICY[name]})`

/** @returns the host's tenant, and what is known of the token after the decision; undefined for an unknown host */
export async function rotate(
  ctx: Pick<Context, 'db' | 'host' | 'settings' | 'callerOrigin' | 'fetchSite' | 'origin'> & Recorder,
  { presented, successor }: Rotation,
) {
  const { db, client } = ctx
  const fingerprint = deviceFingerprint(client.userAgent)
  const mayRefresh = sql`(sessions.refreshes < ${refreshLimit(ctx).rate} or ${windowIsOver})`
  const isPresented = tokenIs(presented)
  const found = presentedToken(ctx, presented)
  const lockFamily = lockSession(ctx, presented)
  // One statement, so one snapshot, taken after the lock: a token is either unused here or it is not.
  const decide = db.execute(sql`
    with presented as (
      select token.*, ${tenantSeconds('session_idle_seconds')} as idle_seconds,
        ${tenantSeconds('access_token_seconds')} as access_seconds
      from ${found}),
    made as (
      insert into refresh_tokens (id, tenant_id, session_id, hash, key_id, parent_id, expires_at)
      select ${newId(ctx)}::uuid, sessions.tenant_id, sessions.id, ${bytes(successor)}, ${successor.keyId}, presented.id,
        least(clock_timestamp() + make_interval(secs => presented.idle_seconds), sessions.expires_at)
      from presented
      join sessions on sessions.id = presented.session_id and ${sessionIsLive}
      join users on users.id = sessions.user_id and ${userIsActive}
      where presented.used_at is null and presented.expires_at > clock_timestamp() and ${mayRefresh}
        and ${canSign(ctx)}
      on conflict (parent_id) do nothing
      returning session_id, parent_id, expires_at),
    used as (
      update refresh_tokens set used_at = clock_timestamp() from made where refresh_tokens.id = made.parent_id),
    touched as (
      update sessions set last_used_at = clock_timestamp(), idle_expires_at = made.expires_at,
        refreshes = case when ${windowIsOver} then 1 else sessions.refreshes + 1 end,
        refreshes_counted_from = case when ${windowIsOver} then clock_timestamp() else sessions.refreshes_counted_from end,
        address = ${client.truncatedAddress}, country = ${client.country}, city = ${client.city}, asn_org = ${client.asnOrg},
        refreshed_by = ${fingerprint}
      from made where sessions.id = made.session_id),
    ${announceKey(ctx, sql`made`)},
    ${endOfRepeated(ctx, fingerprint)}`)
  const outcome = db
    .select({
      tenant: tenantColumns,
      key: sealedKeyColumns,
      ring: ringState(ctx, 'session'),
      token: {
        id: token.id,
        // Above 0 for a token that waits, unused, for its session's next window.
        waitSeconds: sql<number>`case when ${token.expiresAt} > clock_timestamp() and not ${mayRefresh} then
          ceil(${WINDOW_SECONDS} - extract(epoch from clock_timestamp() - sessions.refreshes_counted_from))::int else 0 end`,
      },
      successor: {
        keyId: child.keyId,
        expiresInSeconds: sql<number>`extract(epoch from ${child.expiresAt} - clock_timestamp())::int`,
      },
      session: {
        id: sessions.id,
        expiresAt: sessions.expiresAt,
        authTime: sessions.authTime,
        amr: sessions.amr,
        aal: sessions.aal,
        revokeReason: sessions.revokeReason,
        isLive: sql<boolean>`${sessionIsLive}`,
      },
      user: userColumns,
    })
    .from(tenantHosts)
    .innerJoin(tenants, eq(tenants.id, tenantHosts.tenantId))
    .leftJoin(signingKeys, eq(signingKeys.state, 'current'))
    .leftJoin(token, and(eq(token.tenantId, tenants.id), isPresented))
    .leftJoin(child, eq(child.parentId, token.id))
    .leftJoin(sessions, eq(sessions.id, token.sessionId))
    .leftJoin(users, and(eq(users.id, sessions.userId), userIsActive))
    .where(eq(tenantHosts.host, ctx.host))

  const [, , [row]] = await db.batch([lockFamily, decide, outcome])
  return row
}

const lockSession = (
  ctx: Parameters<typeof presentedToken>[0] & Pick<Context, 'db'>,
  presented: KeyedTokenHash[],
) =>
  ctx.db.execute(sql`
    select id from sessions where id = (${sessionOfRefreshToken(ctx, presented)}) for no key update`)

/**
 * Takes a rotation back whose answer cannot be signed, or the client's next try would be reuse: the token counts as
 * unused, and its unused successor never was. The same successor is made when it is presented again.
 */
export async function takeBack(
  ctx: Pick<Context, 'db' | 'host' | 'callerOrigin' | 'fetchSite' | 'origin'>,
  presented: KeyedTokenHash[],
): Promise<void> {
  await ctx.db.batch([
    lockSession(ctx, presented),
    ctx.db.execute(sql`
      with gone as (
        delete from refresh_tokens next using refresh_tokens token
        where next.parent_id = token.id and next.used_at is null and ${tokenIs(presented)}
        returning token.id)
      update refresh_tokens set used_at = null from gone where refresh_tokens.id = gone.id`),
  ])
}
