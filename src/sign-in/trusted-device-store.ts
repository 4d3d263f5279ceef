/**
 * The SQL of trusted devices. A device counts only in the epoch of the account in which it was trusted (accounts/epoch-store.ts).
 * A new password, a reset, a change of factors, closing and signing out everywhere begin a new epoch, so each of them ends all
 * devices, and no list of those has to name this table.
 */
import { and, desc, eq, type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import { CALLER, callerOf, callerRow } from '../guard/caller-store.ts'
import type { Caller, CallerRow } from '../guard/demands.ts'
import { lockUser } from '../one-time/store.ts'
import { rowsOf } from '../storage/rows.ts'
import { sessions, tenantHosts, trustedDevices, users } from '../storage/schema.ts'
import type { NewTrust, TrustHash } from './trusted-device.ts'

/** Of one account; the oldest gives way. */
export const MAX_TRUSTED_DEVICES = 20

/** Over `trusted_devices`, with the epoch of its account. */
const isTrusted = (validFrom: SQL) => sql`(trusted_devices.expires_at > clock_timestamp()
  and trusted_devices.created_at >= coalesce(${validFrom}, '-infinity'))`

const bytes = (hash: TrustHash) => sql`${sql.param(hash, trustedDevices.hash)}::bytea`
const oneOf = (hashes: readonly TrustHash[]) =>
  sql`trusted_devices.hash in (${sql.join(hashes.map(bytes), sql`, `)})`

/**
 * The row of `users` that `who` selects, with the trusted device that the caller's browser presents (`trusted_device_id`). Its
 * row is locked after the account's: a device that was removed while this statement waited is not found.
 */
export const withTrust = (hashes: readonly TrustHash[], who: SQL): SQL =>
  hashes.length === 0
    ? sql`select owner.*, null::uuid as trusted_device_id from (${who}) as owner`
    : sql`
      select owner.*, trusted.id as trusted_device_id from (${who}) as owner left join lateral (
        select trusted_devices.id from trusted_devices
        where trusted_devices.user_id = owner.id and trusted_devices.tenant_id = owner.tenant_id and ${oneOf(hashes)}
          and owner.second_factor_since is not null and ${isTrusted(sql`owner.access_valid_from`)}
        limit 1 for update of trusted_devices) as trusted on true`

/** A member of a `with`, and a comma: that the device in `passed` was used. */
export const trustUsed = (hashes: readonly TrustHash[]): SQL =>
  hashes.length === 0
    ? sql``
    : sql`
      trust_used as (
        update trusted_devices set last_used_at = clock_timestamp() from passed
        where trusted_devices.id = passed.trusted_device_id),`

/**
 * Members of a `with`, each after a comma, and after `started`: the browser is trusted from now on. The account's row is locked by a
 * statement before, so that of many at once none sees fewer devices than there are.
 */
export function trustDevice(ctx: Recorder & Pick<Context, 'client'>, trust: NewTrust | null): SQL {
  if (trust === null) return sql``
  const { id, hash, seconds, label, replaces } = trust
  const happened = sql`
    select tenant_id, user_id as subject, jsonb_build_object('trusted_device_id', id) as data from trusted`
  return sql`,
    trusted as (
      insert into trusted_devices (id, tenant_id, user_id, hash, device_label, country, created_at, expires_at)
      select ${id}::uuid, tenant_id, user_id, ${bytes(hash)}, ${label}, ${ctx.client.country}, clock_timestamp(),
        clock_timestamp() + make_interval(secs => ${seconds})
      from started returning *),
    trust_displaced as (
      delete from trusted_devices using trusted
      where trusted_devices.user_id = trusted.user_id and (${replaces.length > 0 ? oneOf(replaces) : sql`false`}
        or trusted_devices.id in (
          select earlier.id from trusted_devices as earlier where earlier.user_id = trusted.user_id
          order by earlier.created_at desc, earlier.id desc offset ${MAX_TRUSTED_DEVICES - 1}))),
    trust_recorded as (${recordEvent(ctx, 'trusted_device.added', happened)})`
}

/** The devices that are trusted now, of the owner of session `sid`, newest first. */
export const findTrustedDevices = (
  { db, host }: Pick<Context, 'db' | 'host'>,
  sid: string | SQL,
  presented: readonly TrustHash[],
) =>
  db
    .select({
      id: trustedDevices.id,
      device: trustedDevices.deviceLabel,
      country: trustedDevices.country,
      createdAt: trustedDevices.createdAt,
      lastUsedAt: trustedDevices.lastUsedAt,
      expiresAt: trustedDevices.expiresAt,
      isCurrent: sql<boolean>`${presented.length > 0 ? oneOf(presented) : sql`false`}`,
    })
    .from(trustedDevices)
    .innerJoin(users, and(eq(users.id, trustedDevices.userId), isTrusted(sql`users.access_valid_from`)))
    .innerJoin(sessions, and(eq(sessions.userId, users.id), eq(sessions.id, sid)))
    .innerJoin(
      tenantHosts,
      and(eq(tenantHosts.tenantId, trustedDevices.tenantId), eq(tenantHosts.host, host)),
    )
    .orderBy(desc(trustedDevices.createdAt))

/** @param id one of them; all, where it is null. @returns the caller, for `refuseUnless`, and the number of removed devices */
export async function removeTrust(
  ctx: Pick<Context, 'db' | 'host'> & Recorder,
  caller: Caller,
  id: string | null,
): Promise<{ caller: CallerRow | null; removed: number }> {
  const happened = sql`
    select tenant_id, user_id as subject, jsonb_build_object('trusted_device_ids', jsonb_agg(id)) as data
    from gone group by tenant_id, user_id`
  const remove = rowsOf(ctx.db, { ...CALLER, removed: v.number() })(sql`
    with ${callerOf(caller, ctx.host)},
    gone as (
      delete from trusted_devices using caller
      where trusted_devices.user_id = caller.user_id and trusted_devices.tenant_id = caller.tenant_id
        and (${id}::uuid is null or trusted_devices.id = ${id}::uuid)
      returning trusted_devices.*),
    recorded as (${recordEvent(ctx, 'trusted_device.removed', happened)})
    select ${callerRow}, (select count(*)::int from gone) as removed`)
  // Waits for a sign-in that trusts a browser at this moment, so that one is removed too.
  const [, [row]] = await ctx.db.batch([lockUser(ctx, caller.userId), remove])
  return row ?? { caller: null, removed: 0 }
}
