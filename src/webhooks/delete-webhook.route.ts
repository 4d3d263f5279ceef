/** DELETE /v1/webhooks/{id} — the endpoint and its deliveries are gone; what is under way is not delivered again. */
import { Hono } from 'hono'
import type { Env } from '../context.ts'
import { requireCaller } from '../guard/caller.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { pathId } from './input.ts'
import { deleteEndpoint } from './store.ts'
import { requireOutcome } from './webhooks.ts'

export const deleteWebhook = new Hono<Env>().delete('/v1/webhooks/:id', async (c) => {
  const { ctx } = c.var
  const caller = await requireCaller(ctx, c.req.raw.headers, 'deleteWebhook')
  if (isRefusal(caller)) return problemResponse(caller, ctx)
  const deleted = requireOutcome(await deleteEndpoint(ctx, caller, pathId(c.req.param('id'))), caller)
  return isRefusal(deleted) ? problemResponse(deleted, ctx) : c.body(null, 204)
})
