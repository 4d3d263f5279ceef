/** Closing an account, and taking that back: by a mailed link, since nothing else opens it any more. */
import { giveBack } from '../access/giving-back.ts'
import type { Context } from '../context.ts'
import { requireCaller } from '../guard/caller.ts'
import { refuseUnless, STEP_UP } from '../guard/demands.ts'
import { checkLimits } from '../limits/check.ts'
import { newToken } from '../one-time/one-time.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { closeAccount } from './closing-store.ts'

/** limit → one statement. @returns null when it is closed; refusals as `requireCaller`, `insufficient_user_authentication`, `last_administrator` */
export async function closeSelf(ctx: Context, headers: Headers): Promise<Refusal | null> {
  const caller = await requireCaller(ctx, headers, 'deleteMe', STEP_UP)
  if (isRefusal(caller)) return caller
  const closed = await closeAccount(ctx, caller, await newToken(ctx, 'restore_account'))
  const refused = refuseUnless(closed, caller)
  if (refused) return refused
  if (closed.isLast) return refuse('last_administrator')
  return closed.isClosed ? null : refuse('invalid_token')
}

/** @returns null when it is done; refusals as `giveBack`, `rate_limited` */
export const restoreByToken = (ctx: Context, presented: string): Promise<Refusal | null> =>
  giveBack(ctx, presented, 'restore_account', () => checkLimits(ctx, 'restoreMe'))
