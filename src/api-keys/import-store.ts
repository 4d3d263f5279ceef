/** The SQL of importing keys of another system: a batch in one statement, in which the unique index decides which are new. */
import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { clientOf, type Recorder, recordEach } from '../events/outbox.ts'
import { CALLER, callerOf, callerRow } from '../guard/caller-store.ts'
import type { Admin, CallerRow } from '../guard/demands.ts'
import { rowsOf } from '../storage/rows.ts'

export type NewForeignKey = {
  id: string
  eventId: string
  /** Whose it is; null for the tenant's. */
  userId: string | null
  name: string
  scopes: string[]
  /** Of the key's SHA-256, in hexadecimal digits. */
  hash: string
  expiresAt: string | null
}

/**
 * Those whose owner is an open account of the tenant, and whose hash it does not have.
 * @returns the caller, for `refuseUnless`, and the ids that are new and those whose owner there is not
 */
export async function insertForeignKeys(
  ctx: Pick<Context, 'db' | 'host'> & Recorder,
  caller: Admin,
  keys: NewForeignKey[],
): Promise<{ caller: CallerRow; created: string[]; unowned: string[] }> {
  const [row] = await rowsOf(ctx.db, { ...CALLER, created: Ids, unowned: Ids })(sql`
    with ${callerOf(caller, ctx.host)},
    entry as (
      select entry.*, caller.tenant_id, entry."userId" is null or exists (
        select from users where users.id = entry."userId" and users.tenant_id = caller.tenant_id
          and users.deleted_at is null) as is_owned
      from caller cross join jsonb_to_recordset(${JSON.stringify(keys)}::jsonb) as entry(
        id uuid, "eventId" uuid, "userId" uuid, name text, scopes text[], hash text, "expiresAt" timestamptz)),
    made as (
      insert into api_keys (id, tenant_id, user_id, name, scopes, hash, is_foreign, expires_at)
      select id, tenant_id, "userId", name, scopes, decode(hash, 'hex'), true, "expiresAt"
      from entry where is_owned order by hash
      on conflict (tenant_id, hash) where is_foreign do nothing returning id, tenant_id, user_id),
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
      (select coalesce(jsonb_agg(id), '[]') from entry where not is_owned) as unowned`)
  const inserted = row ?? { caller: null, created: [], unowned: [] }
  const created = new Set(inserted.created)
  ctx.happened.recorded.push(...keys.flatMap(({ id, eventId }) => (created.has(id) ? [eventId] : [])))
  return inserted
}

const Ids = v.array(v.string())
