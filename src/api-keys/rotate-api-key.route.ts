/**
 * POST /v1/api-keys/{id}/rotate — a new secret under the same id. The one before counts for `overlap_seconds` more, a day
 * unless given, so that programs can change over; with 0 it counts no more, for a key that leaked.
 */
import * as v from 'valibot'
import { hashApiKey, newApiKey } from '../guard/api-key.ts'
import { requireCaller } from '../guard/caller.ts'
import { refuseUnless, STEP_UP } from '../guard/demands.ts'
import { UUID } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal, refuse } from '../problem.ts'
import { ApiKeyAnswer, presentKey } from './api-key-answer.ts'
import { rotateKey } from './api-key-store.ts'

const DAY = 86_400

export const rotateApiKey = operation(
  {
    id: 'rotateApiKey',
    method: 'POST',
    path: '/v1/api-keys/:id/rotate',
    body: v.strictObject({
      overlap_seconds: v.optional(
        v.pipe(v.number(), v.integer(), v.minValue(0, 'too_small'), v.maxValue(7 * DAY, 'too_large')),
        DAY,
      ),
    }),
    bodyIsOptional: true,
    answers: { 200: v.object({ ...ApiKeyAnswer.entries, key: v.string() }) },
    refusals: ['not_found'],
    caller: 'user',
    stepUp: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, params: { id }, body: { overlap_seconds: overlapSeconds } }) => {
    const caller = await requireCaller(ctx, headers, 'rotateApiKey', STEP_UP)
    if (isRefusal(caller)) return caller
    if (!UUID.test(id)) return refuse('not_found')
    const key = newApiKey(ctx.settings.environment, id, ctx.random)
    const rotated = await rotateKey(ctx, caller, id, { hash: await hashApiKey(key), overlapSeconds })
    const refused = refuseUnless(rotated, caller)
    if (refused) return refused
    return rotated.found === null ? refuse('not_found') : Response.json({ ...presentKey(rotated.found), key })
  },
)
