/** POST /v1/webhooks — Create a webhook endpoint for the tenant's events. Only this answer has its secret. */
import * as v from 'valibot'
import { requireCaller, requireLiveCaller } from '../guard/caller.ts'
import { readIdempotencyKey } from '../idempotency/idempotency.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { Description, SubscribedEvents, TargetUrl } from './input.ts'
import { createEndpoint, EndpointAnswer } from './webhooks.ts'

export const createWebhook = operation(
  {
    id: 'createWebhook',
    method: 'POST',
    path: '/v1/webhooks',
    body: v.strictObject({
      url: TargetUrl,
      events: SubscribedEvents,
      description: v.optional(Description),
    }),
    answers: { 201: v.object({ ...EndpointAnswer.entries, secret: v.string() }) },
    refusals: ['webhook_target_refused', 'too_many_webhooks'],
    caller: 'admin',
    permission: 'latchkey:webhooks:write',
    stepUp: true,
    idempotencyKey: true,
    budget: { redis: 1, postgres: 2 },
  },
  async ({ ctx, headers, demands, body }) => {
    const idempotencyKey = readIdempotencyKey(headers)
    if (isRefusal(idempotencyKey)) return idempotencyKey
    // Without a key nothing else reads the role before the target's name is looked up.
    const require = idempotencyKey === null ? requireLiveCaller : requireCaller
    const caller = await require(ctx, headers, 'createWebhook', demands)
    return isRefusal(caller) ? caller : createEndpoint(ctx, caller, body, idempotencyKey)
  },
)
