/** The SQL of the passkeys that a person has: made, listed, named and removed. */
import { and, asc, eq, type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { beginEpochOf } from '../accounts/epoch-store.ts'
import type { Context } from '../context.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import { CALLER, callerOf, callerRow } from '../guard/caller-store.ts'
import type { Caller } from '../guard/demands.ts'
import { lockUser } from '../one-time/store.ts'
import { endedSessions, endSessionRows, keepSession } from '../sessions/ended-store.ts'
import { type Row, rowsOf, Time } from '../storage/rows.ts'
import { passkeys, sessions, tenantHosts } from '../storage/schema.ts'
import type { Ceremony } from './ceremony.ts'
import { consumeCeremony } from './ceremony-store.ts'
import type { VerifiedCredential } from './webauthn.ts'

/** Enough for every device of a person; a list of them is one answer. */
export const MAX_PASSKEYS = 20

type Storage = Pick<Context, 'db' | 'host'> & Recorder

/** Bytes as browsers write them, in base64url without padding. */
export const base64Url = (column: SQL | typeof passkeys.credentialId | typeof passkeys.publicKey) =>
  sql<string>`translate(encode(${column}, 'base64'), '+/=' || chr(10), '-_')`

const passkeyColumns = {
  id: passkeys.id,
  credentialId: base64Url(passkeys.credentialId),
  name: passkeys.name,
  transports: passkeys.transports,
  backedUp: passkeys.backedUp,
  aaguid: passkeys.aaguid,
  isSecondFactor: passkeys.isSecondFactor,
  signsIn: passkeys.signsIn,
  createdAt: passkeys.createdAt,
  lastUsedAt: passkeys.lastUsedAt,
}

/** The passkeys of the owner of session `sid`, oldest first. */
export function findPasskeys({ db, host }: Pick<Context, 'db' | 'host'>, { sid }: { sid: string | SQL }) {
  return db
    .select(passkeyColumns)
    .from(passkeys)
    .innerJoin(sessions, and(eq(sessions.userId, passkeys.userId), eq(sessions.tenantId, passkeys.tenantId)))
    .innerJoin(tenantHosts, and(eq(tenantHosts.tenantId, passkeys.tenantId), eq(tenantHosts.host, host)))
    .where(eq(sessions.id, sid))
    .orderBy(asc(passkeys.id))
    .limit(MAX_PASSKEYS)
}

export type FoundPasskey = Awaited<ReturnType<typeof findPasskeys>>[number]

export type NewPasskey = VerifiedCredential & { id: string; name: string; transports: string[] }

const ADDED = {
  ...CALLER,
  ceremonies: v.number(),
  hasRoom: v.boolean(),
  /** Null where nothing was added. */
  createdAt: v.nullable(Time),
}
export type Added = Row<typeof ADDED>

/**
 * Makes the passkey, in the statement that ends the ceremony and counts what the account has; the account's row is locked
 * before, so that of simultaneous ones no more fit than may. A credential belongs to one account of a tenant.
 */
export async function addPasskey(
  ctx: Storage,
  { caller, ceremony, passkey }: { caller: Caller; ceremony: Ceremony; passkey: NewPasskey },
): Promise<Added> {
  const happened = sql`select tenant_id, user_id as subject,
    jsonb_build_object('passkey_id', id, 'backed_up', backed_up) as data from added`
  const add = rowsOf(
    ctx.db,
    ADDED,
  )(sql`
    with ${callerOf(caller, ctx.host)},
    ceremony as (${consumeCeremony(ceremony, sql`caller`)}),
    room as (
      select count(*) < ${MAX_PASSKEYS} as has_room from passkeys join caller on passkeys.user_id = caller.user_id),
    added as (
      insert into passkeys (id, tenant_id, user_id, credential_id, public_key, counter, transports, backup_eligible,
        backed_up, aaguid, name)
      select ${passkey.id}::uuid, caller.tenant_id, caller.user_id, ${bytea(passkey.credentialId)}, ${bytea(passkey.publicKey)},
        ${passkey.counter}::bigint, ${sql.param(passkey.transports, passkeys.transports)}::text[],
        ${passkey.backupEligible}::boolean, ${passkey.backedUp}::boolean, ${passkey.aaguid}::uuid, ${passkey.name}
      from caller, ceremony, room where room.has_room
      on conflict (tenant_id, credential_id) do nothing returning *),
    recorded as (${recordEvent(ctx, 'passkey.added', happened)})
    select ${callerRow}, (select count(*)::int from ceremony) as ceremonies, (select has_room from room) as has_room,
      (select created_at from added) as created_at`)
  const [, [row]] = await ctx.db.batch([lockUser(ctx, caller.userId), add])
  return row ?? { caller: null, ceremonies: 0, hasRoom: false, createdAt: null }
}

const bytea = (value: Uint8Array) => sql`${sql.param(value, passkeys.credentialId)}::bytea`

const STORED = v.object({
  id: v.string(),
  credentialId: v.string(),
  name: v.string(),
  transports: v.array(v.string()),
  backedUp: v.boolean(),
  aaguid: v.string(),
  isSecondFactor: v.boolean(),
  signsIn: v.boolean(),
  createdAt: Time,
  lastUsedAt: v.nullable(Time),
})
const RENAMED = { ...CALLER, passkey: v.nullable(STORED) }

/** @returns the caller, for `refuseUnless`; no passkey when the caller has none of that id */
export async function renamePasskey(
  ctx: Storage,
  caller: Caller,
  { id, name }: { id: string; name: string },
): Promise<Row<typeof RENAMED>> {
  const happened = sql`select tenant_id, user_id as subject, jsonb_build_object('passkey_id', id) as data from renamed`
  const [row] = await rowsOf(
    ctx.db,
    RENAMED,
  )(sql`
    with ${callerOf(caller, ctx.host)},
    renamed as (
      update passkeys set name = ${name} from caller
      where passkeys.id = ${id} and passkeys.user_id = caller.user_id and passkeys.tenant_id = caller.tenant_id
      returning passkeys.*),
    recorded as (${recordEvent(ctx, 'passkey.renamed', happened)})
    select ${callerRow}, (
      select jsonb_build_object('id', id, 'credentialId', ${base64Url(sql`credential_id`)}, 'name', name,
        'transports', transports, 'backedUp', backed_up, 'aaguid', aaguid, 'isSecondFactor', is_second_factor,
        'signsIn', signs_in,
        'createdAt', created_at, 'lastUsedAt', last_used_at) from renamed) as passkey`)
  return row ?? { caller: null, passkey: null }
}

/**
 * What opens an account besides the passkey in `target`: a password, mail to an address that was proved, an identity
 * at a provider, or another passkey. An address that was never proved may be of another person.
 */
const OPENED_OTHERWISE = sql`(
  exists (select from passwords where passwords.user_id = target.user_id)
  or exists (select from users where users.id = target.user_id and users.email_verified_at is not null)
  or exists (
    select from identities join providers on providers.tenant_id = identities.tenant_id
      and providers.slug = identities.provider and providers.enabled
    where identities.user_id = target.user_id)
  or exists (select from passkeys as other where other.user_id = target.user_id and other.id <> target.id and other.signs_in))`

const REMOVED = {
  ...CALLER,
  found: v.number(),
  isSecondFactor: v.boolean(),
  /** Of the passkey that is gone; null when it is not: it is a second factor, or nothing else opens the account. */
  credentialId: v.nullable(v.string()),
}

/** Removes a passkey of the caller's, unless it is a second factor or the last way in; every other session ends, for it may have begun with it. */
export async function removePasskey(ctx: Storage, caller: Caller, id: string): Promise<Row<typeof REMOVED>> {
  const happened = sql`select tenant_id, user_id as subject,
    jsonb_build_object('passkey_id', id) || ${endedSessions} as data from gone`
  const remove = rowsOf(
    ctx.db,
    REMOVED,
  )(sql`
    with ${callerOf(caller, ctx.host)},
    target as (
      select passkeys.id, passkeys.user_id, passkeys.is_second_factor from passkeys
      join caller on passkeys.user_id = caller.user_id and passkeys.tenant_id = caller.tenant_id
      where passkeys.id = ${id}),
    gone as (
      delete from passkeys using target where passkeys.id = target.id and not passkeys.is_second_factor
        and ${OPENED_OTHERWISE} returning passkeys.*),
    ${endSessionRows(sql`gone`, { reason: 'secured', sparing: sql`${caller.sessionId}::uuid` })},
    ${beginEpochOf(sql`gone`, 'secured')},
    ${keepSession(caller.sessionId, sql`gone`)},
    recorded as (${recordEvent(ctx, 'passkey.removed', happened)})
    select ${callerRow}, (select count(*)::int from target) as found,
      exists (select from target where is_second_factor) as is_second_factor, (select ${base64Url(sql`credential_id`)} from gone) as credential_id`)
  const [, [row]] = await ctx.db.batch([lockUser(ctx, caller.userId), remove])
  return row ?? { caller: null, found: 0, isSecondFactor: false, credentialId: null }
}
