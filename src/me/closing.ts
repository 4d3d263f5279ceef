/** Taking back that an account was closed: by a mailed link, since nothing else opens it any more. */
import { giveBack } from '../access/giving-back.ts'
import type { Context } from '../context.ts'
import { checkLimits } from '../limits/check.ts'
import type { Refusal } from '../problem.ts'

/** @returns null when it is done; refusals as `giveBack`, `rate_limited` */
export const restoreByToken = (ctx: Context, presented: string): Promise<Refusal | null> =>
  giveBack(ctx, presented, 'restore_account', () => checkLimits(ctx, 'restoreMe'))
