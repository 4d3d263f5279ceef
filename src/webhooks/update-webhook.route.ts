/** PATCH /v1/webhooks/{id} — Update a webhook endpoint. `state` disables it or enables it again. */
import * as v from 'valibot'
import { requireCaller, requireLiveCaller } from '../guard/caller.ts'
import { pathId } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { Description, SubscribedEvents, TargetUrl } from './input.ts'
import { EndpointAnswer, presentEndpoint, updateEndpoint } from './webhooks.ts'

const Changes = v.pipe(
  v.strictObject({
    url: v.optional(TargetUrl),
    events: v.optional(SubscribedEvents),
    description: v.optional(Description),
    state: v.optional(v.picklist(['enabled', 'disabled'], 'unknown_state')),
  }),
  v.check((changes) => Object.keys(changes).length > 0, 'nothing_to_change'),
)

export const updateWebhook = operation(
  {
    id: 'updateWebhook',
    method: 'PATCH',
    path: '/v1/webhooks/:id',
    body: Changes,
    answers: { 200: EndpointAnswer },
    refusals: ['not_found', 'webhook_target_refused'],
    caller: 'admin',
    permission: 'latchkey:webhooks:write',
    stepUp: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, demands, params: { id }, body: changes }) => {
    // A new URL's name is looked up, which no one but an administrator may have us do.
    const require = changes.url === undefined ? requireCaller : requireLiveCaller
    const caller = await require(ctx, headers, 'updateWebhook', demands)
    if (isRefusal(caller)) return caller
    const updated = await updateEndpoint(ctx, caller, pathId(id), changes)
    return isRefusal(updated) ? updated : Response.json(presentEndpoint(updated))
  },
)
