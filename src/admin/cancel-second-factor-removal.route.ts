/** DELETE /v1/admin/users/{id}/second-factor-removal — Cancel a removal of second factors that is not due yet. */
import { requireCaller } from '../guard/caller.ts'
import { refuseUnless } from '../guard/demands.ts'
import { noContent } from '../http/answer.ts'
import { pathId } from '../http/input.ts'
import { cancelRemoval } from '../mfa/removal-store.ts'
import { operation } from '../operation.ts'
import { isRefusal, refuse } from '../problem.ts'

export const cancelSecondFactorRemoval = operation(
  {
    id: 'cancelSecondFactorRemoval',
    method: 'DELETE',
    path: '/v1/admin/users/:id/second-factor-removal',
    answers: { 204: null },
    refusals: ['not_found'],
    caller: 'admin',
    permission: 'latchkey:users:write',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, demands, params }) => {
    const id = pathId(params.id)
    const caller = await requireCaller(ctx, headers, 'cancelSecondFactorRemoval', { ...demands, over: id })
    if (isRefusal(caller)) return caller
    const cancelled = await cancelRemoval(ctx, caller, id)
    const refused = refuseUnless(cancelled, caller)
    if (refused) return refused
    return cancelled.cancelled === 0 ? refuse('not_found') : noContent()
  },
)
