/** PATCH /v1/webhooks/{id} — changes what is given; `state` disables an endpoint, or enables it again. */
import { Hono } from 'hono'
import * as v from 'valibot'
import type { Env } from '../context.ts'
import { requireAdmin } from '../guard/admin.ts'
import { requireCaller } from '../guard/caller.ts'
import { jsonBody } from '../http/body.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { Description, pathId, SubscribedEvents, TargetUrl } from './input.ts'
import { presentEndpoint, updateEndpoint } from './webhooks.ts'

const Changes = v.pipe(
  v.strictObject({
    url: v.optional(TargetUrl),
    events: v.optional(SubscribedEvents),
    description: v.optional(Description),
    state: v.optional(v.picklist(['enabled', 'disabled'], 'unknown_state')),
  }),
  v.check((changes) => Object.keys(changes).length > 0, 'nothing_to_change'),
)

export const updateWebhook = new Hono<Env>().patch('/v1/webhooks/:id', jsonBody(Changes), async (c) => {
  const { ctx } = c.var
  const changes = c.req.valid('json')
  // A new URL's name is looked up, which no one but an administrator may have us do.
  const require = changes.url === undefined ? requireCaller : requireAdmin
  const caller = await require(ctx, c.req.raw.headers, 'updateWebhook', { stepUp: true })
  if (isRefusal(caller)) return problemResponse(caller, ctx)
  const updated = await updateEndpoint(ctx, caller, pathId(c.req.param('id')), changes)
  return isRefusal(updated) ? problemResponse(updated, ctx) : c.json(presentEndpoint(updated))
})
