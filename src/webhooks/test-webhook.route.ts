/** POST /v1/webhooks/{id}/test — Send `webhook.test` to a webhook endpoint. The receiver's answer is never shown. */
import { newId } from '../events/outbox.ts'
import { pathId } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
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
    permission: 'latchkey:webhooks:write',
    takesKeys: true,
    budget: { redis: 1, postgres: 2 },
  },
  async ({ ctx, headers, demands, params: { id } }) => {
    const endpointId = pathId(id)
    const reachable = await requireReachable(ctx, headers, 'testWebhook', demands, endpointId)
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
