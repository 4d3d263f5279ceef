/**
 * PATCH /v1/admin/tenant — Change the name of the tenant and those of its settings that administrators may change; null is the
 * default again. What is read at once counts at once; what the edge keeps, within ten minutes.
 */
import * as v from 'valibot'
import { requireCaller } from '../guard/caller.ts'
import { ADMIN, refuseUnless } from '../guard/demands.ts'
import { text } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal, refuse } from '../problem.ts'
import { SettingChanges } from '../tenants/admin-settings.ts'
import { isTenantName } from '../tenants/names.ts'
import { ORDERED_SETTINGS, readTenant } from '../tenants/tenants.ts'
import { presentTenant, TenantAnswer } from './tenant.ts'
import { changeTenant } from './tenant-store.ts'
import { Reason } from './users.ts'

const TenantName = v.pipe(text(100), v.check(isTenantName, 'invalid_characters'))

export const updateTenant = operation(
  {
    id: 'updateTenant',
    method: 'PATCH',
    path: '/v1/admin/tenant',
    body: v.pipe(
      v.strictObject({
        name: v.exactOptional(TenantName),
        settings: v.exactOptional(SettingChanges),
        reason: Reason,
      }),
      v.check(({ name, settings = {} }) => name !== undefined || Object.keys(settings).length > 0, 'missing'),
    ),
    answers: { 200: TenantAnswer },
    refusals: [],
    caller: 'admin',
    permission: 'latchkey:tenant:write',
    stepUp: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, demands, body: { name = null, settings = {}, reason } }) => {
    const caller = await requireCaller(ctx, headers, 'updateTenant', { ...demands, role: ADMIN })
    if (isRefusal(caller)) return caller
    const outcome = await changeTenant(ctx, caller, { name, settings }, reason)
    const refused = refuseUnless(outcome, caller)
    if (refused) return refused
    const { tenant, hosts } = outcome
    if (tenant) return Response.json(presentTenant(readTenant(ctx, tenant), hosts))
    const [less, more] = ORDERED_SETTINGS
    const error = { pointer: `/settings/${less}`, code: 'too_long', detail: `more than ${more}` }
    return refuse('invalid_input', { errors: [error] })
  },
)
