/**
 * The SQL of an import: a batch of accounts in one statement, in which the unique index decides which are new. What signs them in
 * besides a password is inserted with them, and their API keys; an account of which another has something already is not.
 */
import { type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { forgetAttemptsAt } from '../accounts/attempts-store.ts'
import { insertUsers } from '../accounts/store.ts'
import { insertImportedKeys } from '../api-keys/import-store.ts'
import type { Context } from '../context.ts'
import { NO_PEPPER } from '../crypto/foreign-hash.ts'
import { clientOf, type Recorder, recordEach } from '../events/outbox.ts'
import { CALLER, callerOf, callerRow } from '../guard/caller-store.ts'
import type { Admin, CallerRow } from '../guard/demands.ts'
import { announceKey, RING, ringState } from '../keys/auth-keys-store.ts'
import { insertImportedApps } from '../mfa/imported-store.ts'
import { insertImportedPasskeys } from '../passkeys/imported-store.ts'
import { insertPasswords } from '../passwords/imported-store.ts'
import { Fault } from '../problem.ts'
import { insertImportedIdentities } from '../social/imported-store.ts'
import { isUniqueViolation } from '../storage/postgres.ts'
import { type Row, rowsOf } from '../storage/rows.ts'
import { type SealedImport, sealImports } from './import-seal.ts'
import { type Inserted, type NewImport, nothingInserted } from './import-users.ts'

type Storage = Pick<Context, 'db' | 'settings' | 'now' | 'random'>

/** For an operator, who is no caller of a request: the sweep hands the events on within a minute. */
export async function insertImports(ctx: Storage, tenantId: string, imports: NewImport[]): Promise<Inserted> {
  const sealed = await sealImports(ctx, imports)
  const insert = async () => {
    const [row] = await rowsOf(
      ctx.db,
      OUTCOME,
    )(sql`
      with tenant as (select ${tenantId}::uuid as tenant_id),
      ${insertMembers(ctx, sealed, { tenant: sql`tenant`, actor: sql`null::uuid`, client: null })}
      select ${outcome}`)
    return row
  }
  return insertedOf(await againWhereTaken(insert))
}

/**
 * For an administrator, decided together with whether the caller is one: hand the row to `refuseUnless`.
 * @returns nothing inserted where the caller is refused
 */
export async function insertImportsAsAdmin(
  ctx: Storage & Pick<Context, 'host'> & Recorder,
  caller: Admin,
  imports: NewImport[],
): Promise<{ caller: CallerRow } & Inserted> {
  const sealed = await sealImports(ctx, imports)
  const client = JSON.stringify(clientOf(ctx))
  const insert = async () => {
    const [row] = await rowsOf(ctx.db, { ...CALLER, ...OUTCOME })(sql`
      with ${callerOf(caller, ctx.host)},
      ${insertMembers(ctx, sealed, { tenant: sql`caller`, actor: sql`${caller.userId}::uuid`, client })}
      select ${callerRow}, ${outcome}`)
    return row
  }
  const row = await againWhereTaken(insert)
  const inserted = insertedOf(row)
  ctx.happened.recorded.push(
    ...imports.flatMap(({ id, eventId }) => (inserted.created.has(id) ? [eventId] : [])),
  )
  return { caller: row?.caller ?? null, ...inserted }
}

const UNIQUE = ['passkeys', 'identities', 'users'] as const

/** Another import has taken a passkey, an identity or an external id since the statement looked: now it is seen. */
async function againWhereTaken<T>(insert: () => Promise<T>): Promise<T> {
  try {
    return await insert()
  } catch (error) {
    if (UNIQUE.some((table) => isUniqueViolation(error, table))) return insert()
    throw error
  }
}

const OUTCOME = {
  created: v.array(v.string()),
  taken: v.array(v.object({ id: v.string(), code: v.string(), pointer: v.string() })),
  ring: v.nullable(RING),
}

const outcome = sql`
  (select coalesce(jsonb_agg(id), '[]'::jsonb) from account) as created,
  (select coalesce(jsonb_agg(jsonb_build_object('id', clash.id, 'code', code, 'pointer', pointer)), '[]'::jsonb) from clash
    -- When a file is imported again, the account is there with its passkeys: that is no clash.
    where not exists (select from users where users.tenant_id = clash.tenant_id and users.email = clash.email and users.deleted_at is null)) as taken,
  (select ring from ring) as ring`

/** @throws Fault where AUTH_KEYS lacks a key that is in use: then nothing was inserted */
function insertedOf(row: Row<typeof OUTCOME> | undefined): Inserted {
  if (!row) return nothingInserted()
  const lacking = row.ring?.lacking ?? []
  if (lacking.length > 0)
    throw new Fault(
      'upstream_unavailable',
      `AUTH_KEYS lacks ${lacking.join(', ')}, which is in use; see npm run keys`,
    )
  return {
    created: new Set(row.created),
    taken: new Map(row.taken.map(({ id, ...refused }) => [id, refused])),
  }
}

type For = { tenant: SQL; actor: SQL; client: string | null }

/**
 * The members of a `with` that insert accounts with what signs them in, and events, and forget the failures counted for an
 * address while it had no account, as a registration does.
 * @param for_.tenant a member with the one column `tenant_id` that matters, and at most one row
 */
function insertMembers(
  ctx: Pick<Context, 'settings'>,
  imports: SealedImport[],
  { tenant, actor, client }: For,
): SQL {
  const hasApps = imports.some(({ totp }) => totp !== null)
  return sql`
    ring as (${hasApps ? sql`select ${ringState(ctx, 'admin')} as ring` : sql`select null::jsonb as ring`}),
    entry as (
      select entry.*, ${tenant}.tenant_id from jsonb_to_recordset(${JSON.stringify(imports)}::jsonb) as entry(
        id uuid, "eventId" uuid, email text, "emailVerified" boolean, disabled boolean, name text, locale text, roles text[],
        "externalId" text, "apiKeys" jsonb, "storedHash" text, totp jsonb, passkeys jsonb, identities jsonb, has_second_factor boolean, place integer)
      cross join ${tenant} cross join ring where coalesce(ring.ring -> 'lacking', '[]') = '[]'),
    ${clashes},
    account as (${insertUsers(sql`(
      select *, "emailVerified" as email_verified, "externalId" as external_id from entry where not exists (select from clash where clash.id = entry.id)) as entry`)}),
    moved as (select entry.*, account.id as user_id from account join entry using (id)),
    stored as (${insertPasswords(sql`
      select user_id, tenant_id, "storedHash", ${NO_PEPPER} from moved where "storedHash" is not null`)}),
    apps as (${insertImportedApps(sql`select user_id, tenant_id, totp from moved where totp is not null`)}),
    passkeys_stored as (${insertImportedPasskeys(sql`
      select user_id, tenant_id, passkey from moved cross join lateral jsonb_array_elements(passkeys) as passkey`)}),
    identities_stored as (${insertImportedIdentities(sql`
      select user_id, tenant_id, identity from moved cross join lateral jsonb_array_elements(identities) as identity`)}),
    keys as (
      select key.*, moved.user_id, moved.tenant_id, secret.id as foreign_secret_id
      from moved cross join lateral jsonb_to_recordset("apiKeys") as key(
        id uuid, "eventId" uuid, name text, scopes text[], hash text, "hmacKey" text, "expiresAt" timestamptz)
      left join foreign_key_secrets as secret on secret.tenant_id = moved.tenant_id and secret.name = key."hmacKey"),
    keys_stored as (${insertImportedKeys(sql`(select *, "expiresAt" as expires_at from keys) as keys`)}),
    keys_recorded as (${recordEach(
      'api_key.imported',
      sql`select "eventId" as id, keys.tenant_id, keys.user_id as subject,
        jsonb_build_object('api_key_id', id, 'owner', 'user') as data from keys_stored join keys using (id)`,
      { actor, client, data: sql`data` },
    )}),
    ${hasApps ? sql`${announceKey(ctx, sql`apps`)},` : sql``}
    failures_forgotten as (${forgetAttemptsAt(sql`account`)}),
    recorded as (${recordEach(
      'user.imported',
      sql`select "eventId" as id, tenant_id, user_id as subject from moved`,
      { actor, client },
    )})`
}

/**
 * Members of a `with`: `clash`, the entries of which another account or an entry before them has something, or whose HMAC
 * key there is not. Each looks one row up (`limit 1`): an `exists` may be planned as a hash of the whole table.
 */
const clashes: SQL = sql`
  claimed as (
    select entry.id, place, 'passkey_taken' as code, '/passkeys/' || nth - 1 as pointer, passkey ->> 'credentialId' as claim
    from entry cross join lateral jsonb_array_elements(passkeys) with ordinality as each(passkey, nth)
    union all
    select entry.id, place, 'identity_taken', '/identities/' || nth - 1,
      jsonb_build_array(identity ->> 'issuer', identity ->> 'subject')::text
    from entry cross join lateral jsonb_array_elements(identities) with ordinality as each(identity, nth)
    union all
    select entry.id, place, 'api_key_taken', '/api_keys/' || nth - 1, key ->> 'hash'
    from entry cross join lateral jsonb_array_elements("apiKeys") with ordinality as each(key, nth)
    union all
    select id, place, 'external_id_taken', '/external_id', "externalId" from entry where "externalId" is not null
    union all
    select entry.id, null, 'unknown_hmac_key', '/api_keys/' || nth - 1 || '/hmac_sha256/key', key ->> 'hmacKey'
    from entry cross join lateral jsonb_array_elements("apiKeys") with ordinality as each(key, nth)
    where key ->> 'hmacKey' is not null),
  clash as (
    select distinct on (entry.id) entry.id, entry.tenant_id, entry.email, claimed.code, claimed.pointer
    from claimed join entry using (id)
    where exists (
        select from claimed as other
        where other.claim = claimed.claim and other.code = claimed.code and other.place < claimed.place)
      or (claimed.code = 'passkey_taken' and (
        select true from passkeys
        where passkeys.tenant_id = entry.tenant_id and passkeys.credential_id = decode(claimed.claim, 'hex') limit 1))
      or (claimed.code = 'identity_taken' and (
        select true from identities
        where identities.tenant_id = entry.tenant_id and identities.issuer = claimed.claim::jsonb ->> 0
          and identities.subject = claimed.claim::jsonb ->> 1 limit 1))
      or (claimed.code = 'api_key_taken' and (
        select true from api_keys
        where api_keys.tenant_id = entry.tenant_id and api_keys.is_foreign and api_keys.hash = decode(claimed.claim, 'hex')
        limit 1))
      or (claimed.code = 'external_id_taken' and (
        select true from users where users.tenant_id = entry.tenant_id and users.external_id = claimed.claim limit 1))
      or (claimed.code = 'unknown_hmac_key' and not exists (
        select from foreign_key_secrets as secret
        where secret.tenant_id = entry.tenant_id and secret.name = claimed.claim))
    order by entry.id, claimed.pointer)`
