/** The tenant of a host. Operations join `tenant_hosts` inside their own query; only what needs nothing else asks here. */
import { eq } from 'drizzle-orm'
import type { Context } from '../context.ts'
import { tenantHosts, tenants } from '../storage/schema.ts'

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
