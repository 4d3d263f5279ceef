/** The SQL of importing keys of another system: a batch in one statement, in which the unique index decides which are new. */
import { type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { clientOf, type Recorder, recordEach } from '../events/outbox.ts'
import { CALLER, callerOf, callerRow } from '../guard/caller-store.ts'
import type { Admin, CallerRow } from '../guard/demands.ts'
import { rowsOf } from '../storage/rows.ts'
import type { ImportedKey } from './foreign-key.ts'

/** `userId` is whose it is; null for the tenant's. */
export type NewForeignKey = ImportedKey & { userId: string | null }

/** `insert … returning …`: those whose hash the tenant does not have. @param from has the columns of `insert` */
export const insertImportedKeys = (from: SQL): SQL => sql`
  insert into api_keys (id, tenant_id, user_id, name, scopes, hash, is_foreign, foreign_secret_id, expires_at)
  select id, tenant_id, user_id, name, scopes, decode(hash, 'hex'), true, foreign_secret_id, expires_at
  from ${from} order by hash
  on conflict (tenant_id, hash) where is_foreign do nothing returning id, tenant_id, user_id`

/**
 * Those whose owner is an open account of the tenant, and whose hash it does not have.
 * @returns the caller, for `refuseUnless`, the ids that are new, those whose owner there is not, and those whose HMAC key there is not
 */
export async function insertForeignKeys(
  ctx: Pick<Context, 'db' | 'host'> & Recorder,
  caller: Admin,
  keys: NewForeignKey[],
): Promise<{ caller: CallerRow; created: string[]; unowned: string[]; unhashed: string[] }> {
  const [row] = await rowsOf(ctx.db, { ...CALLER, created: Ids, unowned: Ids, unhashed: Ids })(sql`
    with ${callerOf(caller, ctx.host)},
    entry as (
      select entry.*, caller.tenant_id, secret.id as foreign_secret_id,
        entry."hmacKey" is null or secret.id is not null as is_hashed, entry."userId" is null or exists (
        select from users where users.id = entry."userId" and users.tenant_id = caller.tenant_id
          and users.deleted_at is null) as is_owned
      from caller cross join jsonb_to_recordset(${JSON.stringify(keys)}::jsonb) as entry(
        id uuid, "eventId" uuid, "userId" uuid, name text, scopes text[], hash text, "hmacKey" text, "expiresAt" timestamptz)
      left join foreign_key_secrets as secret on secret.tenant_id = caller.tenant_id and secret.name = entry."hmacKey"),
    made as (${insertImportedKeys(sql`(
      select *, "userId" as user_id, "expiresAt" as expires_at from entry where is_owned and is_hashed) as entry`)}),
    recorded as (${recordEach(
      'api_key.imported',
      sql`select "eventId" as id, made.tenant_id, made.user_id as subject, jsonb_build_object('api_key_id', made.id,
        'owner', case when made.user_id is null then 'tenant' else 'user' end) as data from made join entry using (id)`,
      {
        actor: sql`${caller.userId}::uuid`,
        client: JSON.stringify(clientOf(ctx)),
        data: sql`data`,
      },
    )})
    select ${callerRow}, (select coalesce(jsonb_agg(id), '[]') from made) as created,
      (select coalesce(jsonb_agg(id), '[]') from entry where not is_owned) as unowned,
      (select coalesce(jsonb_agg(id), '[]') from entry where is_owned and not is_hashed) as unhashed`)
  const inserted = row ?? { caller: null, created: [], unowned: [], unhashed: [] }
  const created = new Set(inserted.created)
  ctx.happened.recorded.push(...keys.flatMap(({ id, eventId }) => (created.has(id) ? [eventId] : [])))
  return inserted
}

const Ids = v.array(v.string())
