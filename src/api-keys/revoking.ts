/** Revoking an API key: it counts for nothing from then on. */
import type { Context } from '../context.ts'
import { requireCaller } from '../guard/caller.ts'
import { refuseUnless } from '../guard/demands.ts'
import { UUID } from '../http/input.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { revokeKey } from './api-key-store.ts'

/** @returns null when it is revoked; refusals as `requireCaller`, `not_found` */
export async function revoke(ctx: Context, headers: Headers, id: string): Promise<Refusal | null> {
  const caller = await requireCaller(ctx, headers, 'revokeApiKey')
  if (isRefusal(caller)) return caller
  if (!UUID.test(id)) return refuse('not_found')
  const revoked = await revokeKey(ctx, caller, id)
  return refuseUnless(revoked, caller) ?? (revoked.found === null ? refuse('not_found') : null)
}
