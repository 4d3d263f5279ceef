/** The tenant as its administrators see it. */
import * as v from 'valibot'
import { presentSettings, SettingsAnswer } from '../tenants/admin-settings.ts'
import type { Tenant } from '../tenants/tenants.ts'

export const TenantAnswer = v.object({
  id: v.pipe(v.string(), v.uuid()),
  slug: v.string(),
  name: v.string(),
  issuer: v.string(),
  hosts: v.array(v.string()),
  allowed_origins: v.array(v.string()),
  settings: SettingsAnswer,
})

export const presentTenant = (
  tenant: Tenant,
  hosts: readonly string[],
): v.InferOutput<typeof TenantAnswer> => ({
  id: tenant.id,
  slug: tenant.slug,
  name: tenant.name,
  issuer: tenant.issuer,
  hosts: [...hosts],
  allowed_origins: tenant.allowedOrigins,
  settings: presentSettings(tenant),
})
