/**
 * GET /v1/webhooks/{id}/deliveries — List the deliveries to a webhook endpoint and their outcomes, newest first, in
 * pages.
 */
import * as v from 'valibot'
import { readAsCaller } from '../guard/caller.ts'
import { AnsweredInstant, instant } from '../http/answer.ts'
import { openCursor, PAGE, pageAnswer, pageOf } from '../http/cursor.ts'
import { pathId } from '../http/input.ts'
import { requireKeysInUse } from '../keys/auth-keys.ts'
import { operation } from '../operation.ts'
import { isRefusal, refuse } from '../problem.ts'
import { listDeliveries } from './replay-store.ts'

const STATES = ['pending', 'delivered', 'dead'] as const

const Delivery = v.object({
  id: v.pipe(v.string(), v.uuid()),
  event_id: v.pipe(v.string(), v.uuid()),
  type: v.string(),
  state: v.picklist(STATES),
  attempts: v.number(),
  next_attempt_at: v.nullable(AnsweredInstant),
  last_status: v.nullable(v.number()),
  last_error: v.nullable(v.string()),
  last_duration_ms: v.nullable(v.number()),
  dead_reason: v.nullable(v.string()),
  created_at: AnsweredInstant,
  settled_at: v.nullable(AnsweredInstant),
})

export const listWebhookDeliveries = operation(
  {
    id: 'listWebhookDeliveries',
    method: 'GET',
    path: '/v1/webhooks/:id/deliveries',
    query: v.strictObject({ state: v.optional(v.picklist(STATES, 'unknown_state')), ...PAGE }),
    answers: { 200: pageAnswer(Delivery) },
    refusals: ['not_found'],
    caller: 'admin',
    permission: 'latchkey:webhooks:read',
    takesKeys: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, demands, params: { id }, query: { limit, cursor, state } }) => {
    const endpointId = pathId(id)
    const list = `deliveries ${endpointId} ${state ?? ''}`
    const after = await openCursor(ctx, list, cursor, () => requireKeysInUse(ctx, 'webhook'))
    if (isRefusal(after)) return after
    const find = () => listDeliveries(ctx, endpointId, { state, after, limit: limit + 1 })
    const read = await readAsCaller(ctx, headers, 'listWebhookDeliveries', find, demands)
    if (isRefusal(read)) return read
    if (read.found.length === 0) return refuse('not_found')

    const found = read.found.flatMap(({ delivery }) => delivery ?? [])
    const { rows, next_cursor } = await pageOf(ctx, list, { rows: found, limit, positionOf: ({ id }) => id })
    const data = rows.map((row) => ({
      id: row.id,
      event_id: row.eventId,
      type: row.type,
      state: row.state,
      attempts: row.attempts,
      next_attempt_at: row.state === 'pending' ? instant(row.nextAttemptAt) : null,
      last_status: row.lastStatus,
      last_error: row.lastError,
      last_duration_ms: row.lastDurationMs,
      dead_reason: row.deadReason,
      created_at: instant(row.createdAt),
      settled_at: row.settledAt && instant(row.settledAt),
    }))
    return Response.json({ data, next_cursor })
  },
)
