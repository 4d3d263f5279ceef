/** GET /v1/webhooks/{id}/deliveries — what was sent to an endpoint and how it went, newest first, a page at a time. */
import { Hono } from 'hono'
import * as v from 'valibot'
import type { Env } from '../context.ts'
import { readAsAdmin } from '../guard/admin.ts'
import { instant } from '../http/answer.ts'
import { openCursor, PAGE, pageOf } from '../http/cursor.ts'
import { query } from '../http/query.ts'
import { requireKeysInUse } from '../keys/auth-keys.ts'
import { isRefusal, problemResponse, refuse } from '../problem.ts'
import { pathId } from './input.ts'
import { listDeliveries } from './replay-store.ts'

const Page = v.strictObject({
  state: v.optional(v.picklist(['pending', 'delivered', 'dead'], 'unknown_state')),
  ...PAGE,
})

export const listWebhookDeliveries = new Hono<Env>().get(
  '/v1/webhooks/:id/deliveries',
  query(Page),
  async (c) => {
    const { ctx } = c.var
    const { limit, cursor, state } = c.req.valid('query')
    const endpointId = pathId(c.req.param('id'))
    const list = `deliveries ${endpointId} ${state ?? ''}`
    const after = await openCursor(ctx, list, cursor, () => requireKeysInUse(ctx, 'webhook'))
    if (isRefusal(after)) return problemResponse(after, ctx)
    const read = await readAsAdmin(ctx, c.req.raw.headers, 'listWebhookDeliveries', () =>
      listDeliveries(ctx, endpointId, { state, after, limit: limit + 1 }),
    )
    if (isRefusal(read)) return problemResponse(read, ctx)
    if (read.found.length === 0) return problemResponse(refuse('not_found'), ctx)

    const found = read.found.flatMap(({ delivery }) => delivery ?? [])
    const { rows, next_cursor } = await pageOf(ctx, list, { rows: found, limit, positionOf: ({ id }) => id })
    return c.json({
      data: rows.map((row) => ({
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
      })),
      next_cursor,
    })
  },
)
