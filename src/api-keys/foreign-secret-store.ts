/** The SQL of the secrets that HMACs of imported API keys were made with, and of keys that leave theirs behind. */
import { type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { Context } from '../context.ts'
import type { ApiKeyHash } from '../guard/api-key.ts'
import { announceKey, RING, ringState } from '../keys/auth-keys-store.ts'
import { rowsOf, Time } from '../storage/rows.ts'
import { apiKeys } from '../storage/schema.ts'

/** As many as are tried for each key that is not found. */
export const MAX_SECRETS = 4

const bytea = (value: ApiKeyHash): SQL => sql`${sql.param(value, apiKeys.hash)}::bytea`

/** Also of a key that was rotated before it was used: there the HMAC is the one before. Done already, it does nothing. */
export async function keepOwnHash(
  { db }: Pick<Context, 'db'>,
  id: string,
  { hash, hmacs }: { hash: ApiKeyHash; hmacs: readonly ApiKeyHash[] },
): Promise<void> {
  const known = sql`(${sql.join(hmacs.map(bytea), sql`, `)})`
  await db.execute(sql`
    update api_keys set hash = case when hash in ${known} then ${bytea(hash)} else hash end,
      previous_hash = case when previous_hash in ${known} then ${bytea(hash)} else previous_hash end, foreign_secret_id = null
    where id = ${id} and foreign_secret_id is not null and (hash in ${known} or previous_hash in ${known})`)
}

type Storage = Pick<Context, 'db' | 'settings'>
const ADDED = { isAdded: v.boolean(), isThere: v.boolean(), ring: RING }

/** Unless there is one of that name, or as many as there may be. */
export async function insertForeignSecret(
  ctx: Storage,
  { id, tenantId, name, sealedSecret }: { id: string; tenantId: string; name: string; sealedSecret: string },
) {
  const [row] = await rowsOf(
    ctx.db,
    ADDED,
  )(sql`
    with ring as (select ${ringState(ctx, 'admin')} as ring),
    made as (
      insert into foreign_key_secrets (id, tenant_id, name, sealed_secret)
      select ${id}::uuid, ${tenantId}::uuid, ${name}, ${sealedSecret} from ring
      where ring -> 'lacking' = '[]'
        and (select count(*) from foreign_key_secrets where tenant_id = ${tenantId}) < ${MAX_SECRETS}
      on conflict (tenant_id, name) do nothing returning id),
    ${announceKey(ctx, sql`made`)}
    select exists (select from made) as is_added, ring,
      exists (select from foreign_key_secrets where tenant_id = ${tenantId} and name = ${name}) as is_there
    from ring`)
  return row
}

/** With how many keys no one has used since they were imported under each. */
export const findForeignSecrets = ({ db }: Pick<Context, 'db'>, tenantId: string) =>
  rowsOf(db, { name: v.string(), createdAt: Time, unused: v.number() })(sql`
    select name, created_at, (select count(*)::int from api_keys
      where foreign_secret_id = foreign_key_secrets.id and revoked_at is null) as unused
    from foreign_key_secrets where tenant_id = ${tenantId} order by name`)

/** The keys that still need it are revoked: they could never be found again. @returns false when there is none of that name */
export async function deleteForeignSecret(
  { db }: Pick<Context, 'db'>,
  tenantId: string,
  name: string,
): Promise<boolean> {
  const secret = sql`(select id from foreign_key_secrets where tenant_id = ${tenantId} and name = ${name})`
  const [, removed] = await db.batch([
    db.execute(sql`
      update api_keys set revoked_at = coalesce(revoked_at, clock_timestamp()), foreign_secret_id = null
      where foreign_secret_id = ${secret}`),
    db.execute(
      sql`delete from foreign_key_secrets where tenant_id = ${tenantId} and name = ${name} returning id`,
    ),
  ])
  return removed.rows.length > 0
}
