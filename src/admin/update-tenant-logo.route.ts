/**
 * PATCH /v1/admin/tenant/logo — Set the logo that the hosted pages show in place of the tenant's name; null takes it away. It is a data URL
 * of at most 32 KiB (PNG, JPEG, WebP or GIF; no SVG), and is what its first bytes say.
 */
import * as v from 'valibot'
import { requireCaller } from '../guard/caller.ts'
import { ADMIN } from '../guard/demands.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { LOGO_BODY_BYTES, LogoText, logoOf } from '../tenants/logo.ts'
import { answerChanged, TenantAnswer } from './tenant.ts'
import { changeTenant } from './tenant-store.ts'
import { Reason } from './users.ts'

export const updateTenantLogo = operation(
  {
    id: 'updateTenantLogo',
    method: 'PATCH',
    path: '/v1/admin/tenant/logo',
    body: v.strictObject({ logo: v.nullable(LogoText), reason: Reason }),
    maxBodyBytes: LOGO_BODY_BYTES,
    answers: { 200: TenantAnswer },
    refusals: [],
    caller: 'admin',
    permission: 'latchkey:tenant:write',
    stepUp: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, demands, body: { logo, reason } }) => {
    const caller = await requireCaller(ctx, headers, 'updateTenantLogo', { ...demands, role: ADMIN })
    if (isRefusal(caller)) return caller
    const change = { name: null, settings: {}, logo: logo === null ? null : await logoOf(logo) }
    return answerChanged(ctx, caller, await changeTenant(ctx, caller, change, reason))
  },
)
