/** Taking an account at a provider away from one of ours. */
import type { Context } from '../context.ts'
import { requireCaller } from '../guard/caller.ts'
import { refuseUnless, STEP_UP } from '../guard/demands.ts'
import { UUID } from '../http/input.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { removeIdentity } from './link-store.ts'

/** limit → one batch. @returns null when it is gone; refusals as `requireCaller`, `not_found`, `last_way_in` */
export async function unlinkOwn(ctx: Context, headers: Headers, id: string): Promise<Refusal | null> {
  const caller = await requireCaller(ctx, headers, 'unlinkIdentity', STEP_UP)
  if (isRefusal(caller)) return caller
  if (!UUID.test(id)) return refuse('not_found')
  const removed = await removeIdentity(ctx, caller, id)
  const refused = refuseUnless(removed, caller)
  if (refused) return refused
  if (removed.found === 0) return refuse('not_found')
  return removed.isGone ? null : refuse('last_way_in')
}
