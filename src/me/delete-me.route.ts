/**
 * DELETE /v1/me — closes the caller's account at once: nothing opens it any more. What is personal is erased when the
 * tenant's `erasure_days` are over; until then the mailed link restores it. Needs a sign-in of the last minutes.
 */
import { requireCaller } from '../guard/caller.ts'
import { refuseUnless, STEP_UP } from '../guard/demands.ts'
import { noContent } from '../http/answer.ts'
import { expiredRefreshCookie } from '../http/cookies.ts'
import { newToken } from '../one-time/one-time.ts'
import { operation } from '../operation.ts'
import { isRefusal, refuse } from '../problem.ts'
import { closeAccount } from './closing-store.ts'

export const deleteMe = operation(
  {
    id: 'deleteMe',
    method: 'DELETE',
    path: '/v1/me',
    answers: { 204: null },
    answerHeaders: ['set-cookie'],
    refusals: [],
    caller: 'user',
    stepUp: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers }) => {
    const caller = await requireCaller(ctx, headers, 'deleteMe', STEP_UP)
    if (isRefusal(caller)) return caller

    const closed = await closeAccount(ctx, caller, await newToken(ctx, 'restore_account'))
    const refused = refuseUnless(closed, caller)
    if (refused) return refused
    if (!closed.isClosed) return refuse('invalid_token')
    return noContent(headers.get('cookie') ? { 'set-cookie': expiredRefreshCookie() } : {})
  },
)
