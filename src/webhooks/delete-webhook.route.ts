/** DELETE /v1/webhooks/{id} — the endpoint and its deliveries are gone; what is under way is not delivered again. */
import { requireCaller } from '../guard/caller.ts'
import { AS_ADMIN } from '../guard/demands.ts'
import { noContent } from '../http/answer.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { pathId } from './input.ts'
import { deleteEndpoint } from './store.ts'
import { requireOutcome } from './webhooks.ts'

export const deleteWebhook = operation(
  {
    id: 'deleteWebhook',
    method: 'DELETE',
    path: '/v1/webhooks/:id',
    answers: { 204: null },
    refusals: ['not_found'],
    caller: 'admin',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, params: { id } }) => {
    const caller = await requireCaller(ctx, headers, 'deleteWebhook', AS_ADMIN)
    if (isRefusal(caller)) return caller
    const deleted = requireOutcome(await deleteEndpoint(ctx, caller, pathId(id)), caller)
    return isRefusal(deleted) ? deleted : noContent()
  },
)
