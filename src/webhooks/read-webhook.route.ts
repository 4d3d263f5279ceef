/** GET /v1/webhooks/{id} — one endpoint of the tenant; 404 for anybody else's. */
import { Hono } from 'hono'
import type { Env } from '../context.ts'
import { readAsAdmin } from '../guard/admin.ts'
import { isRefusal, problemResponse, refuse } from '../problem.ts'
import { pathId } from './input.ts'
import { findEndpoint } from './store.ts'
import { presentEndpoint } from './webhooks.ts'

export const readWebhook = new Hono<Env>().get('/v1/webhooks/:id', async (c) => {
  const { ctx } = c.var
  const endpointId = pathId(c.req.param('id'))
  const read = await readAsAdmin(ctx, c.req.raw.headers, 'readWebhook', () => findEndpoint(ctx, endpointId))
  if (isRefusal(read)) return problemResponse(read, ctx)
  const [endpoint] = read.found
  return endpoint ? c.json(presentEndpoint(endpoint)) : problemResponse(refuse('not_found'), ctx)
})
