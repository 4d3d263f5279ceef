/**
 * POST /v1/webhooks/{id}/deliveries/replay — Replay the dead deliveries since a time (with `"state": "all"`, all settled
 * ones), the oldest thousand. When there are more, call again: for dead deliveries with the same `since`, for all with a
 * later one.
 */
import * as v from 'valibot'
import { Instant, pathId } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
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
    permission: 'latchkey:webhooks:write',
    takesKeys: true,
    budget: { redis: 1, postgres: 2 },
  },
  async ({ ctx, headers, demands, params: { id }, body }) => {
    const endpointId = pathId(id)
    const reachable = await requireReachable(ctx, headers, 'replayWebhookDeliveries', demands, endpointId)
    if (isRefusal(reachable)) return reachable
    const outcome = await replayDeliveries(ctx, reachable.caller, endpointId, body)
    const replayed = requireOutcome(outcome, reachable.caller)
    if (isRefusal(replayed)) return replayed
    if (replayed.deliveries > 0) announce(ctx, endpointId)
    return Response.json({ deliveries: replayed.deliveries }, { status: 202 })
  },
)
