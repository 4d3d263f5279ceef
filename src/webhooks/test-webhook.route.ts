/** POST /v1/webhooks/{id}/test — delivers `webhook.test` to this endpoint. What the receiver answers is never shown. */
import { Hono } from 'hono'
import type { Env } from '../context.ts'
import { newId } from '../events/outbox.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { pathId } from './input.ts'
import { insertTestDelivery } from './replay-store.ts'
import { announce, requireOutcome, requireReachable } from './webhooks.ts'

export const testWebhook = new Hono<Env>().post('/v1/webhooks/:id/test', async (c) => {
  const { ctx } = c.var
  const endpointId = pathId(c.req.param('id'))
  const reachable = await requireReachable(ctx, c.req.raw.headers, 'testWebhook', endpointId)
  if (isRefusal(reachable)) return problemResponse(reachable, ctx)
  const payload = JSON.stringify({ type: 'webhook.test', timestamp: ctx.now().toISOString(), data: {} })
  const delivery = { deliveryId: newId(ctx), eventId: newId(ctx), payload }
  const inserted = await insertTestDelivery(ctx, reachable.caller, endpointId, delivery)
  const made = requireOutcome(inserted, reachable.caller)
  if (isRefusal(made)) return problemResponse(made, ctx)
  announce(ctx, endpointId)
  return c.json({ delivery_id: made.id }, 202)
})
