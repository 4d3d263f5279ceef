/** /console/webhooks — The tenant's webhook endpoints, and whether they work. */
import * as v from 'valibot'
import { openCursor, pageOf } from '../http/cursor.ts'
import { requireKeysInUse } from '../keys/auth-keys.ts'
import { isRefusal } from '../problem.ts'
import { listWebhooks } from '../webhooks/list-webhooks.route.ts'
import { listEndpoints } from '../webhooks/store.ts'
import { asks, consolePage } from './console.ts'

const LIMIT = 20

export const consoleWebhooksPage = consolePage('consoleWebhooksPage', {
  path: '/console/webhooks',
  query: { cursor: v.optional(v.pipe(v.string(), v.maxLength(300))) },
  asks: [listWebhooks],
  ask: async ({ c, ctx }) => {
    const cursor = c.req.query('cursor')
    const after = await openCursor(ctx, 'webhooks', cursor, () => requireKeysInUse(ctx, 'pages'))
    const page = isRefusal(after) ? { after: null, limit: 0 } : { after, limit: LIMIT + 1 }
    return asks([listEndpoints(ctx, page)], async ({ found: [found] }) => {
      if (isRefusal(after)) return after
      const { rows, next_cursor } = await pageOf(ctx, 'webhooks', {
        rows: found,
        limit: LIMIT,
        positionOf: ({ id }) => id,
      })
      return { endpoints: rows, next: next_cursor }
    })
  },
  view: async (desk, found) => (await import('./views/webhooks.tsx')).webhooks(desk, found),
})
