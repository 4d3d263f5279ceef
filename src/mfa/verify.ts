/** The second step of a sign-in: an `lkm_…` token and a code, for the session that the first step was not given. */
import type { Context } from '../context.ts'
import { type KeyedWorker, requireKeys } from '../keys/auth-keys.ts'
import { openCurrentKey } from '../keys/keys.ts'
import { checkLimits } from '../limits/check.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { countTry } from '../sign-in/challenge-store.ts'
import { hashMfaToken, parseMfaToken } from '../sign-in/mfa-token.ts'
import { type Begun, prepare } from '../sign-in/start.ts'
import { requireTenant } from '../tenants/tenants.ts'
import { refuseUnheardCode, refuseWrongCode } from './attempt.ts'
import { type Answered, PROOF_AMR, prove } from './proof.ts'
import { findChallenge, passChallenge } from './verify-store.ts'

/**
 * (limit ∥ read) → check → one batch. A wrong code counts twice: against the challenge and against the account.
 * @param worker whose ring this reports: a page asks for the second step as well
 * @returns refusals `invalid_mfa_token`, `invalid_code`, `rate_limited`, `second_factor_disabled`, `unknown_host`,
 * `origin_not_allowed`
 */
export async function verifySecondFactor(
  ctx: Context,
  mfaToken: string,
  answered: Answered,
  worker: KeyedWorker = 'mfa',
): Promise<Begun | Refusal> {
  const token = parseMfaToken(mfaToken)
  if (token === null) return refuseChallenge('malformed')
  const [limited, found] = await Promise.all([
    checkLimits(ctx, 'verifyMfa'),
    findChallenge(ctx, await hashMfaToken(token), worker),
  ])
  const tenant = requireTenant(ctx, found?.tenant)
  if (isRefusal(tenant)) return tenant
  if (limited) return limited
  requireKeys(ctx, found?.ring, worker)
  if (!found?.challenge) return refuseChallenge('over or unknown')
  const { challenge, factors, attempts, at } = found
  ctx.outcome.subject = challenge.userId
  const unheard = refuseUnheardCode(attempts)
  if (unheard) return unheard
  const key = await openCurrentKey(ctx, found.key)

  const proof = await prove(ctx, factors, answered, at)
  if (!proof) {
    const [refused] = await Promise.all([
      refuseWrongCode(ctx, { tenantId: tenant.id, userId: challenge.userId }),
      countTry(ctx, challenge.id),
    ])
    return refused
  }
  const amr = [...new Set([...challenge.amr, ...PROOF_AMR])]
  const { isKnownBrowser } = challenge
  const beginning = await prepare(ctx, { amr, aal: 2 }, { tenant, key, at, isKnownBrowser })
  const passed = await passChallenge(ctx, challenge, proof, beginning)
  return passed.begun ?? refuseUnheardCode(passed.attempts) ?? refuseChallenge('used meanwhile')
}

const refuseChallenge = (reason: string): Refusal => refuse('invalid_mfa_token', { evidence: { reason } })
