/**
 * POST /v1/admin/users/{id}/second-factor-removal — Remove all second factors of an account whose owner lost them, after the
 * waiting time of the tenant. The owner is told by email, and a sign-in with a second factor stops it. Safe to repeat.
 */
import * as v from 'valibot'
import { requireCaller } from '../guard/caller.ts'
import { refuseUnless } from '../guard/demands.ts'
import { pathId, stripBlanks, text } from '../http/input.ts'
import { startRemoval } from '../mfa/removal-store.ts'
import { operation } from '../operation.ts'
import { isRefusal, refuse } from '../problem.ts'
import { presentRemoval, RemovalAnswer } from './removals.ts'

export const startSecondFactorRemoval = operation(
  {
    id: 'startSecondFactorRemoval',
    method: 'POST',
    path: '/v1/admin/users/:id/second-factor-removal',
    body: v.strictObject({
      reason: v.pipe(text(200), v.transform(stripBlanks), v.minLength(1, 'too_short')),
    }),
    answers: { 202: RemovalAnswer },
    refusals: ['not_found', 'no_second_factor'],
    caller: 'admin',
    permission: 'latchkey:users:write',
    stepUp: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, demands, body, params }) => {
    const id = pathId(params.id)
    const caller = await requireCaller(ctx, headers, 'startSecondFactorRemoval', { ...demands, over: id })
    if (isRefusal(caller)) return caller
    const started = await startRemoval(ctx, caller, { userId: id, reason: body.reason })
    const refused = refuseUnless(started, caller)
    if (refused) return refused
    if (!started.removal) return refuse(started.isThere ? 'no_second_factor' : 'not_found')
    return Response.json(presentRemoval(started.removal), { status: 202 })
  },
)
