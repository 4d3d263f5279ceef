/** The second step of a sign-in: an `lkm_…` token and a code, for the session that the first step was not given. */
import type { Context } from '../context.ts'
import { type KeyedWorker, requireKeys } from '../keys/auth-keys.ts'
import { openCurrentKey } from '../keys/keys.ts'
import { checkLimits } from '../limits/check.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { countTry } from '../sign-in/challenge-store.ts'
import { hashMfaToken, parseMfaToken } from '../sign-in/mfa-token.ts'
import { type Begun, prepare, trusting } from '../sign-in/start.ts'
import { newTrust } from '../sign-in/trusted-device.ts'
import { requireTenant } from '../tenants/tenants.ts'
import { refuseUnheardCode, refuseWrongCode } from './attempt.ts'
import { MAILED_AMR, proveEmailCode, type SecondStep } from './email-code.ts'
import { PROOF_AMR, prove } from './proof.ts'
import { findChallenge, passChallenge } from './verify-store.ts'

/**
 * (limit ∥ read) → check → one batch. A wrong code counts twice: against the challenge and against the account.
 * @param trust whether the owner wants the browser trusted, and no second factor asked for in it from now on
 * @param worker whose ring this reports: a page asks for the second step as well
 * @returns refusals `invalid_mfa_token`, `invalid_code`, `rate_limited`, `second_factor_disabled`, `trusted_devices_off`,
 * `unknown_host`, `origin_not_allowed`
 */
export async function verifySecondFactor(
  ctx: Context,
  mfaToken: string,
  answered: SecondStep,
  { worker = 'mfa', trust = false }: { worker?: KeyedWorker; trust?: boolean } = {},
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
  // Before the code is used: its owner has it for the next try.
  if (trust && (!tenant.policy.trusted_devices || answered.method === 'email_code'))
    return refuse('trusted_devices_off')
  const { challenge, factors, attempts, at } = found
  ctx.outcome.subject = challenge.userId
  const unheard = refuseUnheardCode(attempts)
  if (unheard && answered.method !== 'recovery_code') return unheard
  const key = await openCurrentKey(ctx, found.key)

  const proof =
    answered.method === 'email_code'
      ? await proveEmailCode(ctx, tenant.policy, { ...challenge, email: found.email }, answered.code)
      : await prove(ctx, factors, { ...answered, method: answered.method }, at)
  if (!proof) {
    if (unheard) return unheard
    const [refused] = await Promise.all([
      refuseWrongCode(ctx, { tenantId: tenant.id, userId: challenge.userId }),
      countTry(ctx, challenge.id),
    ])
    return refused
  }
  const isMailed = proof.method === 'email_code'
  const amr = [...new Set([...challenge.amr, ...(isMailed ? MAILED_AMR : PROOF_AMR)])]
  const { isKnownBrowser } = challenge
  const beginning = await prepare(
    ctx,
    { amr, aal: isMailed ? 1 : 2, hasEmailCode: isMailed },
    { tenant, key, at, ring: found.ring, isKnownBrowser },
  )
  const trusted = trust ? await newTrust(ctx) : null
  const passed = await passChallenge(ctx, challenge, proof, beginning, trusted)
  return (
    trusting(passed.begun, trusted) ?? refuseUnheardCode(passed.attempts) ?? refuseChallenge('used meanwhile')
  )
}

const refuseChallenge = (reason: string): Refusal => refuse('invalid_mfa_token', { evidence: { reason } })
