/** POST /v1/webhooks/{id}/deliveries/{delivery_id}/replay — Replay one delivery, with the same id and body. */
import { pathId } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal, refuse } from '../problem.ts'
import { replayDeliveries } from './replay-store.ts'
import { announce, DeliveryAnswer, requireOutcome, requireReachable } from './webhooks.ts'

export const replayWebhookDelivery = operation(
  {
    id: 'replayWebhookDelivery',
    method: 'POST',
    path: '/v1/webhooks/:id/deliveries/:delivery_id/replay',
    answers: { 202: DeliveryAnswer },
    refusals: ['not_found', 'webhook_disabled', 'webhook_target_refused'],
    caller: 'admin',
    permission: 'latchkey:webhooks:write',
    takesKeys: true,
    budget: { redis: 1, postgres: 2 },
  },
  async ({ ctx, headers, demands, params }) => {
    const endpointId = pathId(params.id)
    const deliveryId = pathId(params.delivery_id)
    const reachable = await requireReachable(ctx, headers, 'replayWebhookDelivery', demands, endpointId)
    if (isRefusal(reachable)) return reachable
    const outcome = await replayDeliveries(ctx, reachable.caller, endpointId, { deliveryId })
    const replayed = requireOutcome(outcome, reachable.caller)
    if (isRefusal(replayed)) return replayed
    if (replayed.deliveries === 0) return refuse('not_found')
    announce(ctx, endpointId)
    return Response.json({ delivery_id: deliveryId }, { status: 202 })
  },
)
