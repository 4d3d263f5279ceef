/**
 * The rows of a tenant, as the operator's commands write them. Each change is one statement, and counts only while the row
 * is as the command read it.
 */
import { type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { JobContext } from '../context.ts'
import { recordEvent } from '../events/outbox.ts'
import { rowsOf, Time } from '../storage/rows.ts'
import type { Logo } from './logo.ts'
import { settingOf, tenantColumns } from './store.ts'
import { ORDERED_SETTINGS, type TenantSettings } from './tenants.ts'

type Writer = Pick<JobContext, 'db' | 'now' | 'random' | 'client' | 'happened'>

export type NewTenant = {
  id: string
  slug: string
  name: string
  issuer: string
  hosts: readonly string[]
  allowedOrigins: readonly string[]
  settings: TenantSettings
}

/** What an operator may change of a tenant. */
export type TenantChange = {
  name: string
  issuer: string
  allowedOrigins: string[]
  settings: unknown
  /** A data URL, whose version `settings` has; null for none, undefined for the one that there is. */
  logo?: string | null
}

const list = (texts: readonly string[]): SQL =>
  sql`(select coalesce(array_agg(text), '{}') from jsonb_array_elements_text(${JSON.stringify(texts)}::jsonb) as text)::text[]`

/** Every tenant with its hosts, or the one of that slug. */
export const findTenantsWithHosts = ({ db }: Pick<Writer, 'db'>, slug: string | null) =>
  rowsOf(db, { ...tenantColumns, hosts: v.array(v.string()), closedAt: v.nullable(Time) })(sql`
    select tenants.*, (select coalesce(json_agg(host order by host), '[]') from tenant_hosts
      where tenant_id = tenants.id) as hosts
    from tenants where ${slug}::text is null or slug = ${slug} order by slug`)

/** The tenant of that slug, or, without one, the only tenant that there is. */
export async function findTenants(
  { db }: Pick<Writer, 'db'>,
  slug: string | null,
): Promise<{ id: string; slug: string }[]> {
  return rowsOf(db, { id: v.string(), slug: v.string() })(sql`
    select id, slug from tenants where ${slug}::text is null or slug = ${slug} order by slug limit 2`)
}

/** @returns what another tenant has already, e.g. `host auth.example.com`; none when the tenant was made */
export async function insertTenant({ db }: Pick<Writer, 'db'>, tenant: NewTenant): Promise<string[]> {
  const { id, slug, name, issuer, hosts, allowedOrigins, settings } = tenant
  const [made] = await rowsOf(db, { taken: v.array(v.string()) })(sql`
    with taken as (
      select 'slug ' || slug as what from tenants where slug = ${slug}
      union all select 'issuer ' || issuer from tenants where issuer = ${issuer}
      union all select 'host ' || host from tenant_hosts where host = any(${list(hosts)})
    ), tenant as (
      insert into tenants (id, slug, name, issuer, allowed_origins, settings)
      select ${id}::uuid, ${slug}, ${name}, ${issuer}, ${list(allowedOrigins)}, ${JSON.stringify(settings)}::jsonb
      where not exists (select from taken) returning id
    ), host as (
      insert into tenant_hosts (host, tenant_id)
      select host, tenant.id from tenant, unnest(${list(hosts)}) as host)
    select (select coalesce(json_agg(what), '[]') from taken) as taken`)
  return made?.taken ?? []
}

/** Of Cloudflare Turnstile: the key that its page shows, and the secret that goes with it. */
export type Widget = { siteKey: string; sealedSecret: string; whenUnreachable: 'refuse' | 'pass' }

/** The settings that say what a column of their own holds. */
const settingsOf = ({
  widget,
  logo,
}: {
  widget?: Widget | null | undefined
  logo?: Logo | null | undefined
}) => ({
  ...(widget !== undefined && {
    turnstile_site_key: widget?.siteKey ?? null,
    turnstile_unreachable: widget?.whenUnreachable ?? null,
  }),
  ...(logo !== undefined && { logo: logo?.version ?? null }),
})

/**
 * `update … returning tenants.*`: the tenant in `caller` (`tenant_id`), as its administrators change it. What others change
 * at the same time stays, because the row that the statement waited for is the one that is changed.
 * @param change.settings each in place of what it was; null for the default
 * @param change.widget of Turnstile; null for none, undefined for the one that there is
 * @param change.logo the same
 */
export function changeTenantOf(
  caller: SQL,
  {
    name,
    settings: others,
    widget,
    logo,
  }: {
    name: string | null
    settings: Readonly<Record<string, unknown>>
    widget?: Widget | null | undefined
    logo?: Logo | null | undefined
  },
): SQL {
  const settings: Record<string, unknown> = { ...others, ...settingsOf({ widget, logo }) }
  const set = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== null))
  const unset = Object.keys(settings).filter((setting) => settings[setting] === null)
  const changed = sql`((tenants.settings || ${JSON.stringify(set)}::jsonb) - ${list(unset)})`
  const [less, more] = ORDERED_SETTINGS
  return sql`
    update tenants set name = coalesce(${name}, tenants.name), settings = ${changed},
      turnstile_secret = ${widget === undefined ? sql`tenants.turnstile_secret` : (widget?.sealedSecret ?? null)},
      logo = ${logo === undefined ? sql`tenants.logo` : (logo?.dataUrl ?? null)}
    from ${caller} as caller where tenants.id = caller.tenant_id
      and ${settingOf(less, changed)} <= ${settingOf(more, changed)}
    returning tenants.*`
}

/**
 * @param before as the command read it
 * @param fields the names of what changes, for the event
 * @returns false when the row is another by now
 */
export async function updateTenant(
  ctx: Writer,
  before: TenantChange & { id: string },
  after: TenantChange,
  fields: readonly string[],
): Promise<boolean> {
  const changed = await rowsOf(ctx.db, { id: v.string() })(sql`
    with tenant as (
      update tenants set name = ${after.name}, issuer = ${after.issuer},
        allowed_origins = ${list(after.allowedOrigins)}, settings = ${JSON.stringify(after.settings)}::jsonb,
        logo = ${after.logo === undefined ? sql`tenants.logo` : after.logo}
      where id = ${before.id} and name = ${before.name} and issuer = ${before.issuer}
        and allowed_origins = ${list(before.allowedOrigins)} and settings = ${JSON.stringify(before.settings)}::jsonb
      returning id
    ), recorded as (${recordUpdate(ctx, sql`tenant`, fields)})
    select id from tenant`)
  return changed.length === 1
}

/** @returns false when a tenant, this one or another, has the host already */
export async function insertHost(ctx: Writer, tenantId: string, host: string): Promise<boolean> {
  const added = await rowsOf(ctx.db, { id: v.string() })(sql`
    with host as (
      insert into tenant_hosts (host, tenant_id) values (${host}, ${tenantId})
      on conflict (host) do nothing returning tenant_id as id
    ), recorded as (${recordUpdate(ctx, sql`host`, ['hosts'])})
    select id from host`)
  return added.length === 1
}

/** @returns false when the tenant does not have the host */
export async function deleteHost(ctx: Writer, tenantId: string, host: string): Promise<boolean> {
  const removed = await rowsOf(ctx.db, { id: v.string() })(sql`
    with host as (
      delete from tenant_hosts where host = ${host} and tenant_id = ${tenantId} returning tenant_id as id
    ), recorded as (${recordUpdate(ctx, sql`host`, ['hosts'])})
    select id from host`)
  return removed.length === 1
}

/** It answers nowhere from now on: without a host no request finds it. @returns false when it is closed already */
export async function closeTenant(ctx: Writer, tenantId: string): Promise<boolean> {
  const closed = await rowsOf(ctx.db, { id: v.string() })(sql`
    with closed as (
      update tenants set closed_at = clock_timestamp() where id = ${tenantId} and closed_at is null returning id
    ), hosts as (
      delete from tenant_hosts using closed where tenant_hosts.tenant_id = closed.id
    ), recorded as (${recordUpdate(ctx, sql`closed`, ['closed_at', 'hosts'])})
    select id from closed`)
  return closed.length === 1
}

/** It is open, and answers where it is given a host. @returns false when it is not closed */
export async function reopenTenant(ctx: Writer, tenantId: string): Promise<boolean> {
  const opened = await rowsOf(ctx.db, { id: v.string() })(sql`
    with opened as (
      update tenants set closed_at = null where id = ${tenantId} and closed_at is not null returning id
    ), recorded as (${recordUpdate(ctx, sql`opened`, ['closed_at'])})
    select id from opened`)
  return opened.length === 1
}

/** The row itself, of a tenant that is closed and has no other. @returns false when it is open */
export async function deleteClosedTenant({ db }: Pick<Writer, 'db'>, tenantId: string): Promise<boolean> {
  const { rowCount } = await db.execute(sql`
    delete from tenants where id = ${tenantId} and closed_at is not null`)
  return rowCount === 1
}

/** By an operator: no account did it. @param from a member of the statement's `with` that has the tenant's `id` */
const recordUpdate = (ctx: Writer, from: SQL, fields: readonly string[]): SQL =>
  recordEvent(
    ctx,
    'tenant.updated',
    sql`select id as tenant_id, null::uuid as subject,
      jsonb_build_object('fields', ${JSON.stringify(fields)}::jsonb) as data from ${from}`,
    { actor: sql`null`, rare: true },
  )
