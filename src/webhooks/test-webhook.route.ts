/** POST /v1/webhooks/{id}/test — delivers `webhook.test` to this endpoint. What the receiver answers is never shown. */
import { newId } from '../events/outbox.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { pathId } from './input.ts'
import { insertTestDelivery } from './replay-store.ts'
import { announce, DeliveryAnswer, requireOutcome, requireReachable } from './webhooks.ts'

export const testWebhook = operation(
  {
    id: 'testWebhook',
    method: 'POST',
    path: '/v1/webhooks/:id/test',
    answers: { 202: DeliveryAnswer },
    refusals: ['not_found', 'webhook_disabled', 'webhook_target_refused'],
    caller: 'admin',
    budget: { redis: 1, postgres: 2 },
  },
  async ({ ctx, headers, params: { id } }) => {
    const endpointId = pathId(id)
    const reachable = await requireReachable(ctx, headers, 'testWebhook', endpointId)
    if (isRefusal(reachable)) return reachable
    const payload = JSON.stringify({ type: 'webhook.test', timestamp: ctx.now().toISOString(), data: {} })
    const delivery = { deliveryId: newId(ctx), eventId: newId(ctx), payload }
    const inserted = await insertTestDelivery(ctx, reachable.caller, endpointId, delivery)
    const made = requireOutcome(inserted, reachable.caller)
    if (isRefusal(made)) return made
    announce(ctx, endpointId)
    return Response.json({ delivery_id: made.id }, { status: 202 })
  },
)
