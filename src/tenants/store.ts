/** The tenant of a host. Operations join `tenant_hosts` inside their own query; only what needs nothing else asks here. */
import { eq, type SQL, sql } from 'drizzle-orm'
import type { Context } from '../context.ts'
import { originToAllow } from '../http/origin.ts'
import { tenantHosts, tenants } from '../storage/schema.ts'
import { type NumberSetting, SETTING_BOUNDS } from '../storage/setting-bounds.ts'

/** For `db.select({ tenant: tenantColumns, … })`. */
export const tenantColumns = {
  id: tenants.id,
  slug: tenants.slug,
  name: tenants.name,
  issuer: tenants.issuer,
  allowedOrigins: tenants.allowedOrigins,
  settings: tenants.settings,
}

export function findTenantOfHost({ db, host }: Pick<Context, 'db' | 'host'>) {
  return db
    .select(tenantColumns)
    .from(tenantHosts)
    .innerJoin(tenants, eq(tenants.id, tenantHosts.tenantId))
    .where(eq(tenantHosts.host, host))
}

/** The logo of the host's tenant, a data URL; null where that is another version, or none. */
export function findLogo({ db, host }: Pick<Context, 'db' | 'host'>, version: string) {
  const logo = sql<
    string | null
  >`case when ${tenants.settings} ->> 'logo' = ${version} then ${tenants.logo} end`
  return db
    .select({ logo })
    .from(tenantHosts)
    .innerJoin(tenants, eq(tenants.id, tenantHosts.tenantId))
    .where(eq(tenantHosts.host, host))
}

/**
 * A number of the settings of `tenants`, for a statement; the default where there is none or it is out of bounds, as
 * `readTenant` has it: one tenant's must not fail a statement about all of them.
 * @param settings in place of what the tenant has
 */
export function settingOf(name: NumberSetting, settings: SQL = sql`tenants.settings`): SQL {
  const { fallback, least, most } = SETTING_BOUNDS[name]
  const setting = sql`${settings} -> ${sql.raw(`'${name}'`)}`
  // A case tries its conditions in order: nothing is cast that is no number.
  return sql`(case when jsonb_typeof(${setting}) is distinct from 'number' then ${fallback}::int
    when (${setting})::numeric between ${least} and ${most} and (${setting})::numeric % 1 = 0 then (${setting})::int
    else ${fallback}::int end)`
}

/**
 * `select tenants.*`: the host's tenant, if it allows the calling page: for a statement that has its effect in the trip
 * that also tells who the tenant is.
 */
export function callingTenant(ctx: Pick<Context, 'host' | 'callerOrigin' | 'fetchSite' | 'origin'>): SQL {
  const origin = originToAllow(ctx)
  return sql`
    select tenants.* from tenants
    join tenant_hosts on tenant_hosts.tenant_id = tenants.id and tenant_hosts.host = ${ctx.host}
    where (${origin}::text is null or ${origin}::text = any(tenants.allowed_origins))`
}
