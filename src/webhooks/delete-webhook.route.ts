/** DELETE /v1/webhooks/{id} — Delete a webhook endpoint and its deliveries. A delivery in progress is not repeated. */
import { requireCaller } from '../guard/caller.ts'
import { noContent } from '../http/answer.ts'
import { pathId } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
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
    permission: 'latchkey:webhooks:write',
    takesKeys: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, demands, params: { id } }) => {
    const caller = await requireCaller(ctx, headers, 'deleteWebhook', demands)
    if (isRefusal(caller)) return caller
    const deleted = requireOutcome(await deleteEndpoint(ctx, caller, pathId(id)), caller)
    return isRefusal(deleted) ? deleted : noContent()
  },
)
