/** DELETE /v1/admin/providers/{id} — no one signs in with it any more; who people are there is kept. */
import { requireCaller } from '../guard/caller.ts'
import { refuseUnless } from '../guard/demands.ts'
import { noContent } from '../http/answer.ts'
import { pathId } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal, refuse } from '../problem.ts'
import { deleteProviderRow } from './provider-store.ts'

export const deleteProvider = operation(
  {
    id: 'deleteProvider',
    method: 'DELETE',
    path: '/v1/admin/providers/:id',
    answers: { 204: null },
    refusals: ['not_found'],
    caller: 'admin',
    permission: 'latchkey:providers:write',
    stepUp: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, demands, params: { id } }) => {
    const caller = await requireCaller(ctx, headers, 'deleteProvider', demands)
    if (isRefusal(caller)) return caller
    const outcome = await deleteProviderRow(ctx, caller, pathId(id))
    const refused = refuseUnless(outcome, caller)
    if (refused) return refused
    return outcome.found ? noContent() : refuse('not_found')
  },
)
