/**
 * POST /v1/webhooks/{id}/rotate-secret — Rotate the secret of a webhook endpoint. For a day, deliveries are signed with
 * both secrets.
 */
import * as v from 'valibot'
import { requireCaller } from '../guard/caller.ts'
import { AnsweredInstant, instant } from '../http/answer.ts'
import { pathId } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { newSecret, sealSecret } from './secrets.ts'
import { replaceSecret } from './store.ts'
import { requireOutcome } from './webhooks.ts'

export const rotateWebhookSecret = operation(
  {
    id: 'rotateWebhookSecret',
    method: 'POST',
    path: '/v1/webhooks/:id/rotate-secret',
    answers: { 200: v.object({ secret: v.string(), previous_secret_expires_at: AnsweredInstant }) },
    refusals: ['not_found'],
    caller: 'admin',
    permission: 'latchkey:webhooks:write',
    stepUp: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, demands, params: { id } }) => {
    const caller = await requireCaller(ctx, headers, 'rotateWebhookSecret', demands)
    if (isRefusal(caller)) return caller
    const endpointId = pathId(id)
    const secret = newSecret(ctx.random)
    const sealed = await sealSecret(ctx, endpointId, secret)
    const rotated = requireOutcome(await replaceSecret(ctx, caller, endpointId, sealed), caller)
    if (isRefusal(rotated)) return rotated
    return Response.json({ secret, previous_secret_expires_at: instant(rotated.previousExpiresAt) })
  },
)
