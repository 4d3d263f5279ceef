/**
 * POST /v1/webhooks/{id}/deliveries/replay — delivers once more what is dead (or, with `"state": "all"`, all that is
 * settled) since a time: the oldest thousand. Who gets that many asks again: for the dead that are left, or of all with
 * a later `since`.
 */
import { Hono } from 'hono'
import * as v from 'valibot'
import type { Env } from '../context.ts'
import { jsonBody } from '../http/body.ts'
import { Instant } from '../http/input.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { pathId } from './input.ts'
import { replayDeliveries } from './replay-store.ts'
import { announce, requireOutcome, requireReachable } from './webhooks.ts'

const Wanted = v.strictObject({
  since: Instant,
  state: v.optional(v.picklist(['dead', 'all'], 'unknown_state'), 'dead'),
})

export const replayWebhookDeliveries = new Hono<Env>().post(
  '/v1/webhooks/:id/deliveries/replay',
  jsonBody(Wanted),
  async (c) => {
    const { ctx } = c.var
    const endpointId = pathId(c.req.param('id'))
    const reachable = await requireReachable(ctx, c.req.raw.headers, 'replayWebhookDeliveries', endpointId)
    if (isRefusal(reachable)) return problemResponse(reachable, ctx)
    const outcome = await replayDeliveries(ctx, reachable.caller, endpointId, c.req.valid('json'))
    const replayed = requireOutcome(outcome, reachable.caller)
    if (isRefusal(replayed)) return problemResponse(replayed, ctx)
    if (replayed.deliveries > 0) announce(ctx, endpointId)
    return c.json({ deliveries: replayed.deliveries }, 202)
  },
)
