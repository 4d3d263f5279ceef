/** The tenant as its administrators see it. */
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { type Admin, refuseUnless } from '../guard/demands.ts'
import { type Refusal, refuse } from '../problem.ts'
import { presentSettings, SettingsAnswer } from '../tenants/admin-settings.ts'
import { ORDERED_SETTINGS, readTenant, type Tenant } from '../tenants/tenants.ts'
import type { changeTenant } from './tenant-store.ts'

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

/** The tenant as it is now; or the refusal of who may not change it, or of two settings that do not go together. */
export function answerChanged(
  ctx: Pick<Context, 'log'>,
  caller: Admin,
  outcome: Awaited<ReturnType<typeof changeTenant>>,
): Response | Refusal {
  const refused = refuseUnless(outcome, caller)
  if (refused) return refused
  const { tenant, hosts } = outcome
  if (tenant) return Response.json(presentTenant(readTenant(ctx, tenant), hosts))
  const [less, more] = ORDERED_SETTINGS
  const error = { pointer: `/settings/${less}`, code: 'too_long', detail: `more than ${more}` }
  return refuse('invalid_input', { errors: [error] })
}
