/**
 * POST /v1/webhooks/{id}/deliveries/replay — delivers once more what is dead (or, with `"state": "all"`, all that is
 * settled) since a time: the oldest thousand. Who gets that many asks again: for the dead that are left, or of all with
 * a later `since`.
 */
import * as v from 'valibot'
import { Instant } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { pathId } from './input.ts'
import { replayDeliveries } from './replay-store.ts'
import { announce, requireOutcome, requireReachable } from './webhooks.ts'

export const replayWebhookDeliveries = operation(
  {
    id: 'replayWebhookDeliveries',
    method: 'POST',
    path: '/v1/webhooks/:id/deliveries/replay',
    body: v.strictObject({
      since: Instant,
      state: v.optional(v.picklist(['dead', 'all'], 'unknown_state'), 'dead'),
    }),
    answers: { 202: v.object({ deliveries: v.number() }) },
    refusals: ['not_found', 'webhook_disabled', 'webhook_target_refused'],
    caller: 'admin',
    budget: { redis: 1, postgres: 2 },
  },
  async ({ ctx, headers, params: { id }, body }) => {
    const endpointId = pathId(id)
    const reachable = await requireReachable(ctx, headers, 'replayWebhookDeliveries', endpointId)
    if (isRefusal(reachable)) return reachable
    const outcome = await replayDeliveries(ctx, reachable.caller, endpointId, body)
    const replayed = requireOutcome(outcome, reachable.caller)
    if (isRefusal(replayed)) return replayed
    if (replayed.deliveries > 0) announce(ctx, endpointId)
    return Response.json({ deliveries: replayed.deliveries }, { status: 202 })
  },
)
