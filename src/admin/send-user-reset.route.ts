/** POST /v1/admin/users/{id}/send-reset — Mail a link to the owner of an account, by which they choose a new password. */
import * as v from 'valibot'
import { byAdmin } from '../guard/acting-store.ts'
import { requireCaller } from '../guard/caller.ts'
import { pathId } from '../http/input.ts'
import { newToken } from '../one-time/one-time.ts'
import { operation } from '../operation.ts'
import { isRefusal, refuse } from '../problem.ts'
import { issueReset } from './reset-store.ts'
import { Reasoned, refuseTarget } from './users.ts'

export const sendUserReset = operation(
  {
    id: 'sendUserReset',
    method: 'POST',
    path: '/v1/admin/users/:id/send-reset',
    body: Reasoned,
    bodyIsOptional: true,
    answers: { 202: v.object({ status: v.literal('reset_sent') }) },
    refusals: ['not_found', 'account_closed', 'account_disabled'],
    caller: 'admin',
    permission: 'latchkey:users:write',
    stepUp: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, demands, params, body: { reason } }) => {
    const over = pathId(params.id)
    const caller = await requireCaller(ctx, headers, 'sendUserReset', { ...demands, over })
    if (isRefusal(caller)) return caller
    const target = { acting: byAdmin(ctx, caller), userId: over, reason }
    const outcome = await issueReset(ctx, target, await newToken(ctx, 'reset_password'))
    const refused = refuseTarget(outcome, caller, { onOwn: false, onLast: false })
    if (refused) return refused
    // What is mailed to a disabled account would open nothing.
    if (!outcome.isChanged) return refuse('account_disabled')
    return Response.json({ status: 'reset_sent' }, { status: 202 })
  },
)
