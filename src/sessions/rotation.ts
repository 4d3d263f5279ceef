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
import type { KeyedTokenHash } from '../crypto/opaque-token.ts'
import { newId, type Recorder, recordEvent } from '../events/outbox.ts'
import { originToAllow } from '../http/origin.ts'
import { announceKey, ringState } from '../keys/auth-keys-store.ts'
import { canSign, sealedKeyColumns } from '../keys/store.ts'
import { LIMITS, type Limit } from '../limits/limits.ts'
import { refreshTokens, sessions, signingKeys, tenantHosts, tenants, users } from '../storage/schema.ts'
import { tenantColumns } from '../tenants/store.ts'
import { DEFAULT_POLICY } from '../tenants/tenants.ts'
import { sessionIsLive } from './live-store.ts'
import { bytes } from './store.ts'

/** A token that was used may be presented again for this long, as long as its successor is unused. */
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

/** @returns the host's tenant, and what is known of the token after the decision; undefined for an unknown host */
export async function rotate(
  ctx: Pick<Context, 'db' | 'host' | 'settings' | 'callerOrigin' | 'fetchSite' | 'origin'> & Recorder,
  { presented, successor }: Rotation,
) {
  const { db, client } = ctx
  const mayRefresh = sql`(sessions.refreshes < ${refreshLimit(ctx).rate} or ${windowIsOver})`
  const isPresented = tokenIs(presented)
  const found = presentedToken(ctx, presented)
  const idleSeconds = sql`coalesce((tenants.settings->>'session_idle_seconds')::int, ${DEFAULT_POLICY.session_idle_seconds})`

  const lockFamily = lockSession(ctx, presented)
  // One statement, so one snapshot, taken after the lock: a token is either unused here or it is not.
  const reused = sql`
    select tenant_id, user_id as subject, jsonb_build_object('session_id', id) as data from revoked`
  const decide = db.execute(sql`
    with presented as (select token.*, ${idleSeconds} as idle_seconds from ${found}),
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
        address = ${client.truncatedAddress}, country = ${client.country}, city = ${client.city}, asn_org = ${client.asnOrg}
      from made where sessions.id = made.session_id),
    ${announceKey(ctx, sql`made`)},
    revoked as (
      update sessions set revoked_at = clock_timestamp(), revoke_reason = 'reuse_detected'
      from presented left join refresh_tokens next on next.parent_id = presented.id
      where sessions.id = presented.session_id and sessions.revoked_at is null and ${isOfEpoch} and presented.used_at is not null
        and (presented.used_at <= clock_timestamp() - make_interval(secs => ${REPEAT_SECONDS}) or next.used_at is not null)
      returning sessions.id, sessions.user_id, sessions.tenant_id)
    ${recordEvent(ctx, 'session.reuse_detected', reused, { actor: sql`null`, rare: true })}`)
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
