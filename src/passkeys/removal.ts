/** Taking a passkey away from an account. */
import type { Context } from '../context.ts'
import { requireCaller } from '../guard/caller.ts'
import { refuseUnless, STEP_UP } from '../guard/demands.ts'
import { UUID } from '../http/input.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { removePasskey } from './passkey-store.ts'
import { relyingPartyOf } from './relying-party.ts'

/**
 * limit → one batch.
 * @returns what the browser is told of it; refusals as `requireCaller`, `insufficient_user_authentication`, `not_found`,
 * `passkey_is_second_factor`, `last_way_in`
 */
export async function removeOwnPasskey(
  ctx: Context,
  headers: Headers,
  id: string,
): Promise<{ rp_id: string; credential_id: string } | Refusal> {
  const caller = await requireCaller(ctx, headers, 'deletePasskey', STEP_UP)
  if (isRefusal(caller)) return caller
  if (!UUID.test(id)) return refuse('not_found')
  const removed = await removePasskey(ctx, caller, id)
  const refused = refuseUnless(removed, caller)
  if (refused) return refused
  const { found, isSecondFactor, credentialId } = removed
  if (found === 0) return refuse('not_found')
  if (isSecondFactor) return refuse('passkey_is_second_factor')
  if (credentialId === null) return refuse('last_way_in')
  return { rp_id: relyingPartyOf(caller.tenant).id, credential_id: credentialId }
}
