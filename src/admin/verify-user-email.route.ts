/**
 * POST /v1/admin/users/{id}/verify-email — State that the email of an account is verified, on the word of the administrator.
 * Unless `credentials` is `keep`, what opened the account before is removed, because an attacker may have registered the address.
 */
import * as v from 'valibot'
import { proveByHand } from '../access/proof-by-hand-store.ts'
import { byAdmin } from '../guard/acting-store.ts'
import { requireCaller } from '../guard/caller.ts'
import { noContent } from '../http/answer.ts'
import { pathId } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { Reason, refuseTarget } from './users.ts'

export const verifyUserEmail = operation(
  {
    id: 'verifyUserEmail',
    method: 'POST',
    path: '/v1/admin/users/:id/verify-email',
    body: v.strictObject({
      /** `keep`: the administrator knows that the person who registered owns the address. */
      credentials: v.optional(v.picklist(['remove', 'keep']), 'remove'),
      reason: Reason,
    }),
    bodyIsOptional: true,
    answers: { 204: null },
    refusals: ['not_found', 'account_closed'],
    caller: 'admin',
    permission: 'latchkey:users:write',
    stepUp: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, demands, params, body: { credentials, reason } }) => {
    const over = pathId(params.id)
    const caller = await requireCaller(ctx, headers, 'verifyUserEmail', { ...demands, over })
    if (isRefusal(caller)) return caller
    const target = { acting: byAdmin(ctx, caller), userId: over, reason }
    const outcome = await proveByHand(ctx, target, { keeps: credentials === 'keep' })
    return refuseTarget(outcome, caller, { onOwn: false, onLast: false }) ?? noContent()
  },
)
