/** A passkey becomes a second factor by the choice of its owner alone, and is one until they take it away. */
import type { Context } from '../context.ts'
import { readCaller, requireCaller } from '../guard/caller.ts'
import { refuseUnless, STEP_UP } from '../guard/demands.ts'
import { UUID } from '../http/input.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { choosePasskey, removePasskeyAsFactor } from './passkey-factor-store.ts'
import { newRecoveryCodes } from './recovery-codes.ts'

/**
 * (limit ∥ read) → one batch. @returns the recovery codes; refusals `second_factors_off`, `email_not_verified`, `not_found` (no
 * such passkey of theirs), `passkey_is_second_factor`
 */
export async function addPasskeyFactor(
  ctx: Context,
  headers: Headers,
  id: string,
): Promise<string[] | Refusal> {
  const read = await readCaller(ctx, headers, 'addPasskeyFactor', STEP_UP)
  if (isRefusal(read)) return read
  const { caller, user } = read
  if (!UUID.test(id)) return refuse('not_found')
  if (caller.tenant.policy.second_factor === 'off') return refuse('second_factors_off')
  // As for an app: until then an account may be a stranger's.
  if (user.emailVerifiedAt === null) return refuse('email_not_verified')
  const { codes, rows } = await newRecoveryCodes(ctx)
  const chosen = await choosePasskey(ctx, caller, { id, codes: rows })
  const refused = refuseUnless(chosen, caller)
  if (refused) return refused
  if (chosen.hasChanged) return codes
  return refuse(chosen.isNeeded ? 'passkey_is_second_factor' : 'not_found')
}

/**
 * limit → one batch. Who holds a session by the passkey alone shows another factor first.
 * @returns null when it is none any more; refusals `not_found`, `second_factor_required`
 */
export async function removePasskeyFactor(
  ctx: Context,
  headers: Headers,
  id: string,
): Promise<Refusal | null> {
  const demands = { ...STEP_UP, besidesPasskey: true } as const
  const caller = await requireCaller(ctx, headers, 'removePasskeyFactor', demands)
  if (isRefusal(caller)) return caller
  if (!UUID.test(id)) return refuse('not_found')
  const removed = await removePasskeyAsFactor(ctx, caller, id)
  const refused = refuseUnless(removed, caller)
  if (refused || removed.hasChanged) return refused
  return refuse(removed.isNeeded ? 'second_factor_required' : 'not_found')
}
