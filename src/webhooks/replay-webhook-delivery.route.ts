/** POST /v1/webhooks/{id}/deliveries/{delivery_id}/replay — delivers once more, with the id and the body it had. */
import { Hono } from 'hono'
import type { Env } from '../context.ts'
import { isRefusal, problemResponse, refuse } from '../problem.ts'
import { pathId } from './input.ts'
import { replayDeliveries } from './replay-store.ts'
import { announce, requireOutcome, requireReachable } from './webhooks.ts'

export const replayWebhookDelivery = new Hono<Env>().post(
  '/v1/webhooks/:id/deliveries/:delivery_id/replay',
  async (c) => {
    const { ctx } = c.var
    const endpointId = pathId(c.req.param('id'))
    const deliveryId = pathId(c.req.param('delivery_id'))
    const reachable = await requireReachable(ctx, c.req.raw.headers, 'replayWebhookDelivery', endpointId)
    if (isRefusal(reachable)) return problemResponse(reachable, ctx)
    const outcome = await replayDeliveries(ctx, reachable.caller, endpointId, { deliveryId })
    const replayed = requireOutcome(outcome, reachable.caller)
    if (isRefusal(replayed)) return problemResponse(replayed, ctx)
    if (replayed.deliveries === 0) return problemResponse(refuse('not_found'), ctx)
    announce(ctx, endpointId)
    return c.json({ delivery_id: deliveryId }, 202)
  },
)
