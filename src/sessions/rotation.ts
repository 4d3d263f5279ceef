/**
 * Rotation of refresh tokens (RFC 9700 §4.14), the SQL of it: one batch, so one transaction and one trip, that locks
 * the session's row first. The statement after it sees what a winner committed meanwhile. So of any number of simultaneous
 * refreshes one uses the token and all answer the same successor. That statement finds, decides and answers at once,
 * because PostgreSQL plans it anew at every call: each table in it once more costs every refresh.
 */
import { isNotNull, type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { isOfJoinedEpoch } from '../accounts/epoch-store.ts'
import { userColumns, userIsActive } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import { newId, type Recorder, recordEvent } from '../events/outbox.ts'
import { sessionIsOpen } from '../guard/live-store.ts'
import { originToAllow } from '../http/origin.ts'
import { announceKey, RING, ringState } from '../keys/auth-keys-store.ts'
import { isOpenable, sealedKeyColumns } from '../keys/store.ts'
import { LIMITS, type Limit } from '../limits/limits.ts'
import { inJson, joinedJson, rowsOf } from '../storage/rows.ts'
import { sessions, signingKeys } from '../storage/schema.ts'
import { settingOf, tenantColumns } from '../tenants/store.ts'
import { deviceFingerprint } from './device.ts'
import type { KeyedTokenHash } from './refresh-token.ts'
import { bytes } from './store.ts'

/** A token that was used may be presented again by anyone for this long, as long as its successor is unused. */
export const REPEAT_SECONDS = 30

const { rate: REFRESHES, seconds: WINDOW_SECONDS } = LIMITS.refresh.postgres.session

/** How often a session may refresh: counted on the row that each rotation locks and writes anyway. */
export const refreshLimit = ({ settings }: Pick<Context, 'settings'>): Limit => ({
  rate: REFRESHES * settings.limitsMultiplier,
  seconds: WINDOW_SECONDS,
})

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

export type Rotation = {
  /** The presented token under every key of the ring, newest first. */
  presented: KeyedTokenHash[]
  successor: KeyedTokenHash
}

type RotationContext = Pick<Context, 'db' | 'host' | 'settings' | 'callerOrigin' | 'fetchSite' | 'origin'> &
  Recorder

const sessionColumns = {
  id: sessions.id,
  expiresAt: sessions.expiresAt,
  authTime: sessions.authTime,
  amr: sessions.amr,
  aal: sessions.aal,
  statusIndex: sessions.statusIndex,
}

const ROTATED = {
  tenant: inJson(tenantColumns),
  key: v.nullable(inJson(sealedKeyColumns)),
  ring: RING,
  /** Null for a token that is not ours. */
  session: v.nullable(inJson(sessionColumns)),
  /** Null for an account that is not active. */
  user: v.nullable(inJson(userColumns)),
  isLive: v.nullable(v.boolean()),
  revokeReason: v.nullable(v.string()),
  /** Above 0 for a token that waits, unused, for its session's next window. */
  waitSeconds: v.number(),
  /** Whether it is a token of another tenant. */
  isForeign: v.boolean(),
  successorKeyId: v.nullable(v.string()),
  successorSeconds: v.nullable(v.number()),
}

/**
 * The member `found` of a `with`: the host's tenant, the key that signs, and all that is known of the presented token. One
 * row, or none for an unknown host. The session is locked, so what is true here is true when the statement writes.
 */
function findPresented(ctx: RotationContext, presented: KeyedTokenHash[], device: string | null): SQL {
  const origin = originToAllow(ctx)
  const windowEnd = sql`sessions.refreshes_counted_from + make_interval(secs => ${WINDOW_SECONDS})`
  return sql`
    found as (
      select ${joinedJson(tenantColumns, sql`true`)} as tenant, ${joinedJson(sealedKeyColumns, isNotNull(signingKeys.kid))} as key,
        ${ringState(ctx, 'session')} as ring, ${isOpenable(ctx)} as can_sign,
        ${origin === null ? sql`true` : sql`${origin} = any(tenants.allowed_origins)`} as is_allowed,
        token.id, token.tenant_id, token.session_id, token.used_at, token.expires_at > clock_timestamp() as is_fresh,
        next.id as next_id, next.key_id as next_key_id, next.used_at as next_used_at, next.expires_at as next_expires_at,
        ${joinedJson(sessionColumns, isNotNull(sessions.id))} as session, ${sessionIsOpen} as is_open, ${isOfJoinedEpoch} as is_of_epoch,
        sessions.revoke_reason, ${joinedJson(userColumns, userIsActive)} as "user",
        sessions.refreshes < ${refreshLimit(ctx).rate} or ${windowEnd} <= clock_timestamp() as may_refresh, ${windowEnd} as window_end,
        least(clock_timestamp() + make_interval(secs => ${settingOf('session_idle_seconds')}), sessions.expires_at) as new_expires_at,
        ${settingOf('access_token_seconds')} as access_seconds, ${isSameDevice(ctx, device)} as is_same_device,
        -- A device in another place is none: people travel, and switch their VPN on.
        case when next.used_at is not null then 'successor_used'
          when sessions.refreshed_by is not null and sessions.refreshed_by is distinct from ${device} then 'other_device' end as evidence
      from tenant_hosts
      join tenants on tenants.id = tenant_hosts.tenant_id
      left join signing_keys on signing_keys.state = 'current'
      left join refresh_tokens token on token.tenant_id = tenants.id and ${tokenIs(presented)}
      left join refresh_tokens next on next.parent_id = token.id
      left join sessions on sessions.id = token.session_id
      left join users on users.id = sessions.user_id
      where tenant_hosts.host = ${ctx.host})`
}

/** Whether the session in `sessions` was refreshed by such a device in such a place. */
function isSameDevice({ client }: RotationContext, device: string | null): SQL {
  const country = NO_COUNTRY.includes(client.country ?? '') ? null : client.country
  return sql`(sessions.refreshed_by = ${device} and (sessions.asn_org = ${client.asnOrg}
    or sessions.country = ${country} or sessions.address = ${client.truncatedAddress})) is true`
}

/** What Cloudflare says of addresses that it cannot place, and of Tor: two of them need not be in one country. */
const NO_COUNTRY = ['XX', 'T1']

/**
 * Members of a `with`, after `found`: a used token ends its session (`revoked`), unless it is a repeat that may be answered
 * again. Within 30 seconds every repeat may; within the life of an access token that of the device that used it, whose
 * answer was lost; none once the successor was used. Without evidence of a copy the owner is told of no theft.
 */
function endOfRepeated(ctx: RotationContext): SQL {
  const usedSince = (seconds: SQL | number) =>
    sql`found.used_at > clock_timestamp() - make_interval(secs => ${seconds})`
  const happened = sql`select tenant_id, user_id as subject, revoke_reason,
    jsonb_strip_nulls(jsonb_build_object('session_id', id, 'evidence', evidence)) as data from revoked`
  const type = { among: ENDS_OF_REPEATED, is: sql`'session.' || happened.revoke_reason` }
  return sql`
    revoked as (
      update sessions set revoked_at = clock_timestamp(),
        revoke_reason = case when found.evidence is null then 'late_repeat' else 'reuse_detected' end
      from found
      where sessions.id = found.session_id and found.used_at is not null and found.is_allowed
        and sessions.revoked_at is null and found.is_of_epoch
        and (found.next_used_at is not null or not (${usedSince(REPEAT_SECONDS)}
          or (found.next_id is not null and ${usedSince(sql`found.access_seconds`)} and found.is_same_device)))
        -- A session that is over has nothing left to end; of a copy its owner hears all the same.
        and (found.is_open or found.evidence is not null)
      returning sessions.id, sessions.user_id, sessions.tenant_id, sessions.revoke_reason, found.evidence),
    end_recorded as (${recordEvent(ctx, type, happened, { actor: sql`null`, rare: true })})`
}

const ENDS_OF_REPEATED = ['session.reuse_detected', 'session.late_repeat'] as const

/** @returns the host's tenant, and what is known of the token after the decision; undefined for an unknown host */
export async function rotate(ctx: RotationContext, { presented, successor }: Rotation) {
  const { db, client } = ctx
  const fingerprint = deviceFingerprint(client.userAgent)
  // One statement, so one snapshot, taken after the lock: a token is either unused here or it is not.
  const decide = rowsOf(
    db,
    ROTATED,
  )(sql`
    with ${findPresented(ctx, presented, fingerprint)},
    made as (
      insert into refresh_tokens (id, tenant_id, session_id, hash, key_id, parent_id, expires_at)
      select ${newId(ctx)}::uuid, tenant_id, session_id, ${bytes(successor)}, ${successor.keyId}, id, new_expires_at
      from found
      where used_at is null and is_fresh and is_allowed and is_open and is_of_epoch and "user" is not null
        and may_refresh and can_sign
      returning session_id, parent_id, key_id, expires_at),
    used as (
      update refresh_tokens set used_at = clock_timestamp() from made where refresh_tokens.id = made.parent_id),
    touched as (
      update sessions set last_used_at = clock_timestamp(), idle_expires_at = made.expires_at,
        refreshes = case when found.window_end <= clock_timestamp() then 1 else sessions.refreshes + 1 end,
        refreshes_counted_from = case when found.window_end <= clock_timestamp() then clock_timestamp()
          else sessions.refreshes_counted_from end,
        address = ${client.truncatedAddress}, country = ${client.country}, city = ${client.city}, asn_org = ${client.asnOrg},
        refreshed_by = ${fingerprint}
      from made, found where sessions.id = made.session_id),
    ${announceKey(ctx, sql`made`, sql`found`)},
    ${endOfRepeated(ctx)}
    select tenant, key, ring, session, "user", is_open and is_of_epoch and revoked.id is null as is_live,
      coalesce(revoked.revoke_reason, found.revoke_reason) as revoke_reason,
      case when is_fresh and not may_refresh then ceil(extract(epoch from window_end - clock_timestamp()))::int else 0 end as wait_seconds,
      found.id is null and exists (select from refresh_tokens token where ${tokenIs(presented)}) as is_foreign,
      coalesce(made.key_id, next_key_id) as successor_key_id,
      extract(epoch from coalesce(made.expires_at, next_expires_at) - clock_timestamp())::int as successor_seconds
    from found left join made on true left join revoked on true`)
  const [, [row]] = await db.batch([lockSession(ctx, presented), decide])
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
