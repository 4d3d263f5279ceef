/** POST /v1/webhooks — a new endpoint for the tenant's events; its secret is in this answer and in no other. */
import { Hono } from 'hono'
import * as v from 'valibot'
import type { Env } from '../context.ts'
import { requireAdmin } from '../guard/admin.ts'
import { requireCaller } from '../guard/caller.ts'
import { jsonBody } from '../http/body.ts'
import { readIdempotencyKey } from '../idempotency/idempotency.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { Description, SubscribedEvents, TargetUrl } from './input.ts'
import { createEndpoint } from './webhooks.ts'

const NewWebhook = v.strictObject({
  url: TargetUrl,
  events: SubscribedEvents,
  description: v.optional(Description),
})

export const createWebhook = new Hono<Env>().post('/v1/webhooks', jsonBody(NewWebhook), async (c) => {
  const { ctx } = c.var
  const idempotencyKey = readIdempotencyKey(c.req.raw.headers)
  if (isRefusal(idempotencyKey)) return problemResponse(idempotencyKey, ctx)
  // Without a key nothing else reads the role before the target's name is looked up.
  const require = idempotencyKey === null ? requireAdmin : requireCaller
  const caller = await require(ctx, c.req.raw.headers, 'createWebhook', { stepUp: true })
  if (isRefusal(caller)) return problemResponse(caller, ctx)

  const created = await createEndpoint(ctx, caller, c.req.valid('json'), idempotencyKey)
  return isRefusal(created) ? problemResponse(created, ctx) : created
})
