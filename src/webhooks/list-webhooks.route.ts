/** GET /v1/webhooks — the tenant's webhook endpoints, newest first, a page at a time. */
import { Hono } from 'hono'
import * as v from 'valibot'
import type { Env } from '../context.ts'
import { readAsAdmin } from '../guard/admin.ts'
import { openCursor, PAGE, pageOf } from '../http/cursor.ts'
import { query } from '../http/query.ts'
import { requireKeysInUse } from '../keys/auth-keys.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { listEndpoints } from './store.ts'
import { presentEndpoint } from './webhooks.ts'

export const listWebhooks = new Hono<Env>().get('/v1/webhooks', query(v.strictObject(PAGE)), async (c) => {
  const { ctx } = c.var
  const { limit, cursor } = c.req.valid('query')
  const after = await openCursor(ctx, 'webhooks', cursor, () => requireKeysInUse(ctx, 'webhook'))
  if (isRefusal(after)) return problemResponse(after, ctx)
  const read = await readAsAdmin(ctx, c.req.raw.headers, 'listWebhooks', () =>
    listEndpoints(ctx, { after, limit: limit + 1 }),
  )
  if (isRefusal(read)) return problemResponse(read, ctx)

  const { rows, next_cursor } = await pageOf(ctx, 'webhooks', {
    rows: read.found,
    limit,
    positionOf: ({ id }) => id,
  })
  return c.json({ data: rows.map(presentEndpoint), next_cursor })
})
