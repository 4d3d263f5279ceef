/** POST /v1/webhooks/{id}/rotate-secret — a new secret; for a day deliveries are signed with both. */
import { Hono } from 'hono'
import type { Env } from '../context.ts'
import { requireCaller } from '../guard/caller.ts'
import { instant } from '../http/answer.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { pathId } from './input.ts'
import { newSecret, sealSecret } from './secrets.ts'
import { replaceSecret } from './store.ts'
import { requireOutcome } from './webhooks.ts'

export const rotateWebhookSecret = new Hono<Env>().post('/v1/webhooks/:id/rotate-secret', async (c) => {
  const { ctx } = c.var
  const caller = await requireCaller(ctx, c.req.raw.headers, 'rotateWebhookSecret', { stepUp: true })
  if (isRefusal(caller)) return problemResponse(caller, ctx)
  const endpointId = pathId(c.req.param('id'))
  const secret = newSecret(ctx.random)
  const sealed = await sealSecret(ctx, endpointId, secret)
  const rotated = requireOutcome(await replaceSecret(ctx, caller, endpointId, sealed), caller)
  if (isRefusal(rotated)) return problemResponse(rotated, ctx)
  return c.json({ secret, previous_secret_expires_at: instant(rotated.previousExpiresAt) })
})
