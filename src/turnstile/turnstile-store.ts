/** The SQL of Turnstile: the secret of a tenant, and what a statement does only for who has passed. */
import { eq, type SQL, sql } from 'drizzle-orm'
import type { Context } from '../context.ts'
import { tenantHosts, tenants } from '../storage/schema.ts'
import { tenantColumns } from '../tenants/store.ts'
import { SITE_KEY } from '../tenants/tenants.ts'

export const findTurnstile = ({ db, host }: Pick<Context, 'db' | 'host'>) =>
  db
    .select({ tenant: tenantColumns, sealedSecret: tenants.turnstileSecret })
    .from(tenantHosts)
    .innerJoin(tenants, eq(tenants.id, tenantHosts.tenantId))
    .where(eq(tenantHosts.host, host))

/** Over `tenant`: that it lets the caller in, who may have passed. A setting that is none is not there, as to `readTenant`. */
export const letsIn = (hasPassed: boolean): SQL =>
  hasPassed
    ? sql`true`
    : sql`(jsonb_typeof(tenant.settings -> 'turnstile_site_key') is distinct from 'string'
        or tenant.settings ->> 'turnstile_site_key' !~ ${SITE_KEY.source})`
