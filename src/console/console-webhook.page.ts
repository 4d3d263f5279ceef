/** /console/webhooks/{id} — One webhook endpoint: what it gets, its deliveries and how they ended; test it and replay them. */
import * as v from 'valibot'
import { openCursor, pageOf } from '../http/cursor.ts'
import { pathId } from '../http/input.ts'
import { requireKeysInUse } from '../keys/auth-keys.ts'
import { isRefusal, refuse } from '../problem.ts'
import { listWebhookDeliveries } from '../webhooks/list-webhook-deliveries.route.ts'
import { readWebhook } from '../webhooks/read-webhook.route.ts'
import { listDeliveries } from '../webhooks/replay-store.ts'
import { findEndpoint } from '../webhooks/store.ts'
import { asks, consolePage, idIn } from './console.ts'

const LIMIT = 20
const State = v.fallback(v.optional(v.picklist(['pending', 'delivered', 'dead'])), undefined)

export const consoleWebhookPage = consolePage('consoleWebhookPage', {
  path: '/console/webhooks/:id',
  query: {
    state: v.optional(v.pipe(v.string(), v.maxLength(20))),
    cursor: v.optional(v.pipe(v.string(), v.maxLength(300))),
  },
  asks: [listWebhookDeliveries, readWebhook],
  ask: async (asked) => {
    const { c, ctx } = asked
    const id = pathId(idIn(asked))
    const state = v.parse(State, c.req.query('state'))
    const list = `deliveries ${id} ${state ?? ''}`
    const cursor = c.req.query('cursor')
    const after = await openCursor(ctx, list, cursor, () => requireKeysInUse(ctx, 'pages'))
    const page = isRefusal(after) ? { state, after: null, limit: 0 } : { state, after, limit: LIMIT + 1 }
    return asks(
      [findEndpoint(ctx, id), listDeliveries(ctx, id, page)],
      async ({ found: [[endpoint], found] }) => {
        if (isRefusal(after)) return after
        if (!endpoint) return refuse('not_found')
        const deliveries = found.flatMap(({ delivery }) => delivery ?? [])
        const paged = await pageOf(ctx, list, { rows: deliveries, limit: LIMIT, positionOf: ({ id }) => id })
        return { endpoint, deliveries: paged.rows, next: paged.next_cursor, state: state ?? '' }
      },
    )
  },
  view: async (desk, found) => (await import('./views/webhook.tsx')).webhook(desk, found),
})
