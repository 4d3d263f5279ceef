/** The SQL of callers with an API key: what the key is worth now. Keys are made and changed in src/api-keys/. */
import { and, eq, gt, inArray, isNull, or, type Placeholder, type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { userIsActive } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import type { Database } from '../storage/postgres.ts'
import { prepared } from '../storage/prepared.ts'
import { apiKeys, tenantHosts, tenants, users } from '../storage/schema.ts'
import { tenantColumns } from '../tenants/store.ts'
import type { ApiKeyHash } from './api-key.ts'
import { ADMIN } from './demands.ts'
import { isPermission, permissionsNow } from './permission-store.ts'

/** A last use is noted when the one that is noted is this old. */
const USE_SECONDS = 600

/** For `db.select`: what those who manage keys see of one. */
export const keyColumns = {
  id: apiKeys.id,
  userId: apiKeys.userId,
  name: apiKeys.name,
  scopes: apiKeys.scopes,
  createdAt: apiKeys.createdAt,
  expiresAt: apiKeys.expiresAt,
  lastUsedAt: apiKeys.lastUsedAt,
  previousExpiresAt: apiKeys.previousExpiresAt,
}

/**
 * Over `api_keys`, `users` and `tenants`: a key of a person allows no more than the person, a scope that is no permission
 * anyone; one of the tenant allows what it says.
 */
const scopesNow = sql`(
  select coalesce(jsonb_agg(scope order by position), '[]')
  from unnest(api_keys.scopes) with ordinality as scopes (scope, position)
  where api_keys.user_id is null or ${ADMIN} = any(users.roles)
    or not ${isPermission(sql`scope`, sql`tenants.settings -> 'roles'`)} or ${permissionsNow} ? scope)`

/** Of `api_keys`: the key of that id and one of these hashes, or of another system and such a hash, unless it was revoked or is over. */
const keyIsLive = (id: Asked['id'], hashes: Asked['hashes']) =>
  and(
    id === null ? sql`api_keys.is_foreign` : eq(apiKeys.id, id),
    or(
      inArray(apiKeys.hash, [...hashes]),
      and(inArray(apiKeys.previousHash, [...hashes]), gt(apiKeys.previousExpiresAt, sql`clock_timestamp()`)),
    ),
    isNull(apiKeys.revokedAt),
    or(isNull(apiKeys.expiresAt), gt(apiKeys.expiresAt, sql`clock_timestamp()`)),
  )

/** An account that is disabled or closed takes its keys along. */
const isOwned = sql`(api_keys.user_id is null or users.id is not null)`

const SECRETS = v.array(v.object({ id: v.string(), sealedSecret: v.string() }))

/** Over `tenants`: the secrets under which keys are that no one has used since they were imported. */
const secretsInUse = sql`(
  select coalesce(jsonb_agg(jsonb_build_object('id', secret.id, 'sealedSecret', secret.sealed_secret)), '[]')
  from foreign_key_secrets as secret where secret.tenant_id = tenants.id
    and exists (select from api_keys as unused where unused.foreign_secret_id = secret.id))`

/**
 * The tenant of the host, and its live key of that id and hash: of an active account, or of the tenant.
 * @param id null for a key of another system
 * @param hashes the ones that it may have
 */
export function findKey(
  { db, host }: Pick<Context, 'db' | 'host'>,
  id: string | null,
  hashes: readonly [ApiKeyHash, ...ApiKeyHash[]],
) {
  // One of ours has one hash.
  if (id === null || hashes.length > 1) return selectKey(db, { host, id, hashes })
  return selectOwnKey(db, { host, id, hash: apiKeys.hash.mapToDriverValue(hashes[0]) })
}

type Asked = {
  host: string | Placeholder
  id: string | Placeholder | null
  hashes: readonly (ApiKeyHash | Placeholder)[]
}

const selectKey = (db: Pick<Database, 'select'>, { host, id, hashes }: Asked) =>
  db
    .select({
      tenant: tenantColumns,
      key: keyColumns,
      isOwned: sql<boolean>`${isOwned}`,
      scopes: sql<string[]>`case when api_keys.id is not null then ${scopesNow} else '[]' end`.mapWith(
        readWords,
      ),
      secrets: (id === null ? secretsInUse : sql`'[]'::jsonb`).mapWith((value: unknown) =>
        v.parse(SECRETS, value),
      ),
      isUseDue: sql<boolean>`coalesce(api_keys.last_used_at < now() - make_interval(secs => ${USE_SECONDS}), true)`,
    })
    .from(tenantHosts)
    .innerJoin(tenants, eq(tenants.id, tenantHosts.tenantId))
    .leftJoin(apiKeys, and(eq(apiKeys.tenantId, tenants.id), keyIsLive(id, hashes)))
    .leftJoin(users, and(eq(users.id, apiKeys.userId), userIsActive))
    .where(eq(tenantHosts.host, host))

const selectOwnKey = prepared<
  { host: string; id: string; hash: unknown },
  Awaited<ReturnType<typeof selectKey>>
>((db) =>
  selectKey(db, {
    host: sql.placeholder('host'),
    id: sql.placeholder('id'),
    hashes: [sql.placeholder('hash')],
  }),
)

const readWords = (value: unknown) => v.parse(v.array(v.string()), value)

/**
 * Member `identified` of `callerOf`, for a caller with a key. What a session shows is not there: a key has no role, and was
 * never authenticated in the sense of a step-up.
 */
export const keyAsking = (
  { keyId, keyHash }: { keyId: string; keyHash: ApiKeyHash },
  host: string,
): SQL => sql`
  select null::uuid as session_id, api_keys.user_id, api_keys.tenant_id, tenants.settings -> 'roles' as declared_roles,
    jsonb_build_object('authAgeSeconds', 1e9, 'aal', 0, 'owedAal', 1, 'amr', '[]'::jsonb, 'roles', '[]'::jsonb,
      'isImpersonated', false, 'isOfAdmin', coalesce(${ADMIN} = any(users.roles), false),
      'permissions', ${scopesNow}) as state
  from api_keys
  join tenants on tenants.id = api_keys.tenant_id
  join tenant_hosts on tenant_hosts.tenant_id = tenants.id and tenant_hosts.host = ${host}
  left join users on users.id = api_keys.user_id and ${userIsActive}
  where ${keyIsLive(keyId, [keyHash])} and ${isOwned}`

/** After the answer, and by one of those who use it at the same time. */
export async function noteUse({ db }: Pick<Context, 'db'>, id: string): Promise<void> {
  await db.execute(sql`
    update api_keys set last_used_at = now()
    where id = ${id} and coalesce(last_used_at < now() - make_interval(secs => ${USE_SECONDS}), true)`)
}
