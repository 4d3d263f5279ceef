/** The SQL of providers, as administrators make and change them. Every statement names the tenant. */
import { and, asc, eq, type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import { CALLER, callerOf, callerRow } from '../guard/caller-store.ts'
import type { Admin } from '../guard/demands.ts'
import type { Kept } from '../guard/once.ts'
import { keepAnswer } from '../idempotency/store.ts'
import { isUniqueViolation } from '../storage/postgres.ts'
import { inJson, jsonOf, type Row, rowsOf } from '../storage/rows.ts'
import { providers, tenantHosts } from '../storage/schema.ts'

/** A list of them is one answer, and a sign-in page. */
export const MAX_PROVIDERS = 50

/** Without the secret: what answers show. */
const providerColumns = {
  id: providers.id,
  slug: providers.slug,
  kind: providers.kind,
  name: providers.name,
  issuer: providers.issuer,
  clientId: providers.clientId,
  settings: providers.settings,
  scopes: providers.scopes,
  allowedDomains: providers.allowedDomains,
  mayRegister: providers.mayRegister,
  linkPolicy: providers.linkPolicy,
  trustsAssurance: providers.trustsAssurance,
  enabled: providers.enabled,
  createdAt: providers.createdAt,
  updatedAt: providers.updatedAt,
}
export type ProviderRow = Row<typeof providerColumns>

type Storage = Pick<Context, 'db' | 'host'> & Recorder

/** For `db.select`: what a flow needs of the provider, the secret sealed. */
export const flowColumns = {
  id: providers.id,
  slug: providers.slug,
  kind: providers.kind,
  issuer: providers.issuer,
  clientId: providers.clientId,
  sealedSecret: providers.sealedSecret,
  settings: providers.settings,
  scopes: providers.scopes,
  allowedDomains: providers.allowedDomains,
  trustsAssurance: providers.trustsAssurance,
}

/** The providers of the host's tenant, by name. */
export const findProviders = ({ db, host }: Pick<Context, 'db' | 'host'>) =>
  db
    .select(providerColumns)
    .from(providers)
    .innerJoin(tenantHosts, and(eq(tenantHosts.tenantId, providers.tenantId), eq(tenantHosts.host, host)))
    .orderBy(asc(providers.slug))
    .limit(MAX_PROVIDERS)

const OUTCOME = { ...CALLER, hasRoom: v.boolean(), found: v.nullable(inJson(providerColumns)) }
type Outcome = Row<typeof OUTCOME>
const NOTHING: Outcome = { caller: null, hasRoom: true, found: null }

/** An event of the provider in `from`. */
const record = (
  ctx: Recorder,
  type: 'provider.added' | 'provider.changed' | 'provider.removed',
  from: SQL,
  caller: Admin,
) =>
  recordEvent(
    ctx,
    type,
    sql`select tenant_id, null::uuid as subject, jsonb_build_object('provider', slug, 'kind', kind) as data from ${from}`,
    { actor: sql`${caller.userId}::uuid` },
  )

export type NewProvider = ProviderRow & { sealedSecret: string }

/** @returns none `found` when there is one of that slug, or no room */
export async function insertProvider(
  ctx: Storage,
  caller: Admin,
  made: NewProvider,
  kept: Kept,
): Promise<Outcome | 'idempotency_key_in_use'> {
  const at = sql`${made.createdAt.toISOString()}::timestamptz`
  const insert = rowsOf(
    ctx.db,
    OUTCOME,
  )(sql`
    with ${callerOf(caller, ctx.host)},
    room as (
      select count(*) < ${MAX_PROVIDERS} as has_room from providers join caller on providers.tenant_id = caller.tenant_id),
    added as (
      insert into providers (id, tenant_id, slug, kind, name, issuer, client_id, sealed_secret, settings, scopes,
        allowed_domains, may_register, link_policy, trusts_assurance, enabled, created_at, updated_at)
      select ${made.id}::uuid, caller.tenant_id, ${made.slug}, ${made.kind}, ${made.name}, ${made.issuer}, ${made.clientId},
        ${made.sealedSecret}, ${JSON.stringify(made.settings)}::jsonb, ${texts(made.scopes)}, ${texts(made.allowedDomains)},
        ${made.mayRegister}::boolean, ${made.linkPolicy}, ${made.trustsAssurance}::boolean, ${made.enabled}::boolean, ${at}, ${at}
      from caller, room where room.has_room
      on conflict (tenant_id, slug) do nothing returning *),
    ${kept ? sql`${keepAnswer(caller.tenant.id, kept.key, kept.sealed, sql`null`, sql`exists (select from added)`)},` : sql``}
    recorded as (${record(ctx, 'provider.added', sql`added`, caller)})
    select ${callerRow}, (select has_room from room) as has_room, ${jsonOf(providerColumns, sql`added`)} as found`)
  try {
    const [row] = await insert
    return row ?? NOTHING
  } catch (error) {
    if (isUniqueViolation(error, 'idempotency_keys')) return 'idempotency_key_in_use'
    throw error
  }
}

export type ProviderChanges = Partial<
  Pick<
    ProviderRow,
    | 'name'
    | 'clientId'
    | 'scopes'
    | 'allowedDomains'
    | 'mayRegister'
    | 'linkPolicy'
    | 'trustsAssurance'
    | 'enabled'
  > & { sealedSecret: string }
>

/** What is absent stays. The kind and the issuer never change: identities are of that issuer. */
export async function changeProvider(
  ctx: Storage,
  caller: Admin,
  id: string,
  changes: ProviderChanges,
): Promise<Outcome> {
  const { scopes, allowedDomains } = changes
  const [row] = await rowsOf(
    ctx.db,
    OUTCOME,
  )(sql`
    with ${callerOf(caller, ctx.host)},
    changed as (
      update providers set
        name = coalesce(${changes.name ?? null}, name), client_id = coalesce(${changes.clientId ?? null}, client_id),
        sealed_secret = coalesce(${changes.sealedSecret ?? null}, sealed_secret),
        scopes = coalesce(${scopes ? texts(scopes) : null}, scopes),
        allowed_domains = coalesce(${allowedDomains ? texts(allowedDomains) : null}, allowed_domains),
        may_register = coalesce(${changes.mayRegister ?? null}::boolean, may_register),
        link_policy = coalesce(${changes.linkPolicy ?? null}, link_policy),
        trusts_assurance = coalesce(${changes.trustsAssurance ?? null}::boolean, trusts_assurance),
        enabled = coalesce(${changes.enabled ?? null}::boolean, enabled), updated_at = clock_timestamp()
      from caller where providers.id = ${id} and providers.tenant_id = caller.tenant_id
      returning providers.*),
    recorded as (${record(ctx, 'provider.changed', sql`changed`, caller)})
    select ${callerRow}, true as has_room, ${jsonOf(providerColumns, sql`changed`)} as found`)
  return row ?? NOTHING
}

/** Identities at its issuer stay, and open nothing until there is a provider of its slug again. */
export async function deleteProviderRow(ctx: Storage, caller: Admin, id: string): Promise<Outcome> {
  const [row] = await rowsOf(
    ctx.db,
    OUTCOME,
  )(sql`
    with ${callerOf(caller, ctx.host)},
    removed as (
      delete from providers using caller where providers.id = ${id} and providers.tenant_id = caller.tenant_id
      returning providers.*),
    recorded as (${record(ctx, 'provider.removed', sql`removed`, caller)})
    select ${callerRow}, true as has_room, ${jsonOf(providerColumns, sql`removed`)} as found`)
  return row ?? NOTHING
}

const texts = (list: readonly string[]) => sql`${sql.param([...list], providers.scopes)}::text[]`
