/** A signed-in caller shows a second factor again, for what needs a fresh authentication or the level of two (RFC 9470). */
import type { Context } from '../context.ts'
import { readAsCaller } from '../guard/caller.ts'
import { refuseUnless } from '../guard/demands.ts'
import { requireKeys } from '../keys/auth-keys.ts'
import { openCurrentKey } from '../keys/keys.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import type { IssuedTokens } from '../sessions/tokens.ts'
import { renewedTokens } from '../sign-in/renewal-store.ts'
import { refuseUnheardCode, refuseWrongCode } from './attempt.ts'
import { type Answered, prove } from './proof.ts'
import { findToStepUp, stepUpSession } from './step-up-store.ts'

/**
 * (limit ∥ read) → check → one batch.
 * @returns tokens with a fresh `auth_time`; refusals as `readAsCaller`, `no_second_factor`, `invalid_code`, `rate_limited`,
 * `second_factor_disabled`
 */
export async function stepUpWithFactor(
  ctx: Context,
  headers: Headers,
  answered: Answered,
): Promise<IssuedTokens | Refusal> {
  const read = await readAsCaller(ctx, headers, 'stepUp', ({ sid }) => findToStepUp(ctx, sid))
  if (isRefusal(read)) return read
  const { caller, user } = read
  const [row] = read.found
  requireKeys(ctx, row?.ring, 'mfa')
  if (!row || !(row.factors.totp || row.factors.recoveryCodes.length > 0)) return refuse('no_second_factor')
  const unheard = refuseUnheardCode(row.attempts)
  if (unheard && answered.method !== 'recovery_code') return unheard
  const key = await openCurrentKey(ctx, row.key)

  const proof = await prove(ctx, row.factors, answered, row.at)
  if (!proof) return unheard ?? refuseWrongCode(ctx, { tenantId: caller.tenant.id, userId: caller.userId })
  const renewed = await stepUpSession(ctx, caller, proof)
  if (!renewed.session)
    return (
      refuseUnheardCode(renewed) ??
      refuseUnless(renewed, caller) ??
      refuse('invalid_code', { evidence: { reason: 'used meanwhile' } })
    )
  return renewedTokens({ caller, user, key }, renewed.session)
}
