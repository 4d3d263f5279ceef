/**
 * POST /v1/admin/users/{id}/roles — Grant roles to an account, and revoke others. What is named both times is revoked. Operations
 * of administrators read roles at once; access tokens carry them from the next refresh on.
 */
import * as v from 'valibot'
import { changeRoles, type RolesOutcome } from '../access/roles-store.ts'
import { Roles } from '../accounts/accounts.ts'
import { byAdmin } from '../guard/acting-store.ts'
import { requireCaller } from '../guard/caller.ts'
import { pathId } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { Reason, refuseTarget } from './users.ts'

export const changeUserRoles = operation(
  {
    id: 'changeUserRoles',
    method: 'POST',
    path: '/v1/admin/users/:id/roles',
    body: v.strictObject({ grant: v.optional(Roles, []), revoke: v.optional(Roles, []), reason: Reason }),
    answers: { 200: v.object({ roles: v.array(v.string()) }) },
    refusals: [
      'not_found',
      'account_closed',
      'own_account',
      'last_administrator',
      'account_not_verified',
      'too_many_roles',
    ],
    caller: 'admin',
    permission: 'latchkey:roles:write',
    stepUp: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, demands, params, body: { grant, revoke, reason } }) => {
    const over = pathId(params.id)
    const caller = await requireCaller(ctx, headers, 'changeUserRoles', {
      ...demands,
      over,
      grants: [...grant, ...revoke],
    })
    if (isRefusal(caller)) return caller
    const target = { acting: byAdmin(ctx, caller), userId: over, reason }
    const outcome = await changeRoles(ctx, target, { grant, revoke }, { unproved: false, last: false })
    const refused = refuseTarget(outcome, caller) ?? refuseRoles(outcome)
    return refused ?? Response.json({ roles: outcome.roles })
  },
)

/** What is so already is no refusal: nothing of it was to be granted. */
function refuseRoles({ isChanged, isGranted, isProved, hasRoom }: RolesOutcome): Refusal | null {
  if (isChanged || !isGranted) return null
  if (!isProved) return refuse('account_not_verified')
  return hasRoom ? null : refuse('too_many_roles')
}
