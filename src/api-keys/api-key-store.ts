/** The SQL of API keys: made, listed, named, rotated, revoked. What one is worth is read in guard/key-store.ts. */
import { and, desc, eq, isNull, lt, type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { Context } from '../context.ts'
import type { ChangeType } from '../events/catalogue.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import type { ApiKeyHash } from '../guard/api-key.ts'
import { CALLER, callerOf, callerRow } from '../guard/caller-store.ts'
import type { Caller } from '../guard/demands.ts'
import { keyColumns } from '../guard/key-store.ts'
import type { IdempotencyKey } from '../idempotency/idempotency.ts'
import { keepAnswer } from '../idempotency/store.ts'
import { isUniqueViolation } from '../storage/postgres.ts'
import { inJson, jsonOf, type Row, rowsOf } from '../storage/rows.ts'
import { apiKeys, sessions, tenantHosts } from '../storage/schema.ts'

/** As many as one owner may have that were not revoked. */
export const MAX_KEYS = { user: 25, tenant: 200 } as const
export type Owner = keyof typeof MAX_KEYS

type Storage = Pick<Context, 'db' | 'host'>
type Writer = Storage & Recorder

export type StoredKey = Row<typeof keyColumns>

const bytea = (value: ApiKeyHash) => sql`${sql.param(value, apiKeys.hash)}::bytea`

const MADE = { ...CALLER, isMade: v.boolean() }

/**
 * Makes the key if there is room. Creations for one owner take turns, and each counts what the one before committed.
 * @returns the caller, for `refuseUnless`
 */
export async function insertKey(
  ctx: Writer,
  caller: Caller,
  { key, owner, hash }: { key: StoredKey; owner: Owner; hash: ApiKeyHash },
  kept: { key: IdempotencyKey; sealed: string } | null,
): Promise<Row<typeof MADE> | 'idempotency_key_in_use'> {
  const ownerId = owner === 'user' ? sql`caller.user_id` : sql`null::uuid`
  const isOwners = owner === 'user' ? sql`other.user_id = caller.user_id` : sql`other.user_id is null`
  const turnOf = `api keys of ${owner === 'user' ? caller.userId : caller.tenant.id}`
  const turn = ctx.db.execute(sql`select pg_advisory_xact_lock(hashtextextended(${turnOf}, 0))`)
  const isMade = sql`exists (select from made)`
  const insert = rowsOf(
    ctx.db,
    MADE,
  )(sql`
    with ${callerOf(caller, ctx.host)},
    made as (
      insert into api_keys (id, tenant_id, user_id, name, scopes, hash, expires_at, created_at)
      select ${key.id}::uuid, caller.tenant_id, ${ownerId}, ${key.name}, ${sql.param(key.scopes, apiKeys.scopes)}::text[],
        ${bytea(hash)}, ${key.expiresAt?.toISOString() ?? null}::timestamptz, ${key.createdAt.toISOString()}::timestamptz
      from caller
      where (select count(*) from api_keys as other where other.tenant_id = caller.tenant_id
        and ${isOwners} and other.revoked_at is null) < ${MAX_KEYS[owner]}
      returning *),
    ${kept ? sql`${keepAnswer(caller.tenant.id, kept.key, kept.sealed, sql`null`, isMade)},` : sql``}
    recorded as (${record(
      ctx,
      caller,
      'api_key.created',
      sql`made`,
      sql`jsonb_strip_nulls(jsonb_build_object('scopes', scopes, 'expires_at', expires_at))`,
    )})
    select ${callerRow}, ${isMade} as is_made`)
  try {
    const [, [row]] = await ctx.db.batch([turn, insert])
    return row ?? { caller: null, isMade: false }
  } catch (error) {
    if (isUniqueViolation(error, 'idempotency_keys')) return 'idempotency_key_in_use'
    throw error
  }
}

/**
 * Newest first, of the owner of session `sid` or of the tenant; `after` is the last id of the page before. Ordered by the
 * tenant too, which they share: by the id alone, PostgreSQL may walk through the keys of all tenants.
 */
export function listKeys(
  { db, host }: Storage,
  { sid, owner, after, limit }: { sid: string | SQL; owner: Owner; after: string | null; limit: number },
) {
  const owned =
    owner === 'user'
      ? and(eq(apiKeys.userId, sessions.userId), eq(apiKeys.tenantId, sessions.tenantId))
      : and(isNull(apiKeys.userId), eq(apiKeys.tenantId, sessions.tenantId))
  return db
    .select(keyColumns)
    .from(sessions)
    .innerJoin(tenantHosts, and(eq(tenantHosts.tenantId, sessions.tenantId), eq(tenantHosts.host, host)))
    .innerJoin(apiKeys, owned)
    .where(
      and(
        eq(sessions.id, sid),
        isNull(apiKeys.revokedAt),
        after === null ? undefined : lt(apiKeys.id, after),
      ),
    )
    .orderBy(desc(apiKeys.tenantId), desc(apiKeys.id))
    .limit(limit)
}

const CHANGED = { ...CALLER, found: v.nullable(inJson(keyColumns)) }
export type Changed = Row<typeof CHANGED>

export const renameKey = (ctx: Writer, caller: Caller, id: string, name: string): Promise<Changed> =>
  changeKey(ctx, caller, id, { event: 'api_key.renamed', set: sql`name = ${name}`, mayBeOthers: false })

/** The key before counts for `overlapSeconds` more; one that was rotated before that counts no more. */
export const rotateKey = (
  ctx: Writer,
  caller: Caller,
  id: string,
  { hash, overlapSeconds }: { hash: ApiKeyHash; overlapSeconds: number },
): Promise<Changed> =>
  changeKey(ctx, caller, id, {
    event: 'api_key.rotated',
    set: sql`hash = ${bytea(hash)}, previous_hash = hash,
      previous_expires_at = clock_timestamp() + make_interval(secs => ${overlapSeconds})`,
    mayBeOthers: false,
  })

/** An administrator may revoke anyone's, and give no one's a new secret, which would be acting for its owner. */
export const revokeKey = (ctx: Writer, caller: Caller, id: string): Promise<Changed> =>
  changeKey(ctx, caller, id, {
    event: 'api_key.revoked',
    set: sql`revoked_at = clock_timestamp()`,
    mayBeOthers: true,
  })

async function changeKey(
  ctx: Writer,
  caller: Caller,
  id: string,
  { event, set, mayBeOthers }: { event: ChangeType; set: SQL; mayBeOthers: boolean },
): Promise<Changed> {
  const isAdmin = sql`exists (select from calling where state -> 'roles' ? 'admin')`
  const [row] = await rowsOf(
    ctx.db,
    CHANGED,
  )(sql`
    with ${callerOf(caller, ctx.host)},
    changed as (
      update api_keys set ${set} from caller
      where api_keys.id = ${id} and api_keys.tenant_id = caller.tenant_id and api_keys.revoked_at is null
        and (api_keys.user_id = caller.user_id
          or ${isAdmin} and (api_keys.user_id is null or ${mayBeOthers}::boolean))
      returning api_keys.*),
    recorded as (${record(ctx, caller, event, sql`changed`)})
    select ${callerRow}, ${jsonOf(keyColumns, sql`changed`)} as found`)
  return row ?? { caller: null, found: null }
}

/** About the owner, where that is a person; who did it is the caller. */
const record = (
  ctx: Writer,
  { userId }: Caller,
  type: ChangeType,
  from: SQL,
  more: SQL = sql`'{}'::jsonb`,
): SQL =>
  recordEvent(
    ctx,
    type,
    sql`select tenant_id, user_id as subject, jsonb_build_object('api_key_id', id,
      'owner', case when user_id is null then 'tenant' else 'user' end) || ${more} as data from ${from}`,
    { actor: sql`${userId}::uuid` },
  )
