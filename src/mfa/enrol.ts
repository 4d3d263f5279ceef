/** The second factor that a sign-in needs first: an account that must have one adds it before its session begins. */
import type { Context } from '../context.ts'
import { requireKeys } from '../keys/auth-keys.ts'
import { openCurrentKey } from '../keys/keys.ts'
import { checkLimits } from '../limits/check.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { countTry } from '../sign-in/challenge-store.ts'
import { hashMfaToken, parseMfaToken } from '../sign-in/mfa-token.ts'
import { type Begun, prepare } from '../sign-in/start.ts'
import { requireTenant } from '../tenants/tenants.ts'
import { refuseUnheardCode, refuseWrongCode } from './attempt.ts'
import { addByChallenge, confirmByChallenge, findEnrolment } from './enrol-store.ts'
import { newPending, present } from './enrolment.ts'
import { openSecret, PROOF_AMR } from './proof.ts'
import { newRecoveryCodes } from './recovery-codes.ts'
import { stepOf } from './totp.ts'

/** What every step reads: (limit ∥ read), and the account whose token it is. */
async function readEnrolment(ctx: Context, mfaToken: string, limit: () => Promise<Refusal | null>) {
  const token = parseMfaToken(mfaToken)
  if (token === null) return refuseToken('malformed')
  const [limited, found] = await Promise.all([limit(), findEnrolment(ctx, await hashMfaToken(token))])
  const tenant = requireTenant(ctx, found?.tenant)
  if (isRefusal(tenant)) return tenant
  if (limited) return limited
  requireKeys(ctx, found?.ring, 'mfa')
  if (!found?.challenge || !found.user) return refuseToken('over or unknown')
  const { challenge, user, pending, attempts, key, at } = found
  ctx.outcome.subject = user.id
  // Until then an account may be a stranger's, and what a stranger adds would lock its owner out.
  if (user.emailVerifiedAt === null) return refuse('email_not_verified')
  return { tenant, challenge, user, pending, attempts, key, at }
}

/** (limit ∥ read) → one batch. @returns what is shown once; refusals `invalid_mfa_token`, `email_not_verified` */
export async function enrolTotp(ctx: Context, mfaToken: string) {
  const read = await readEnrolment(ctx, mfaToken, () => checkLimits(ctx, 'enrolTotp'))
  if (isRefusal(read)) return read
  const { pending, secret } = await newPending(ctx)
  const isAdded = await addByChallenge(ctx, read.challenge.id, pending)
  return isAdded ? present(pending.id, secret, read.tenant, read.user) : refuseToken('over meanwhile')
}

/**
 * (limit ∥ read) → check → one batch.
 * @returns the session that begins, and the recovery codes; refusals `invalid_mfa_token`, `email_not_verified`, `not_found`
 * (no such app waits), `invalid_code`, `rate_limited`, `second_factor_disabled`
 */
export async function confirmEnrolment(
  ctx: Context,
  { mfa_token, factor_id, code }: { mfa_token: string; factor_id: string; code: string },
): Promise<{ begun: Begun; codes: string[] } | Refusal> {
  const read = await readEnrolment(ctx, mfa_token, () => checkLimits(ctx, 'confirmEnrolment'))
  if (isRefusal(read)) return read
  const { tenant, challenge, user, pending, attempts, at } = read
  if (pending?.id !== factor_id) return refuse('not_found')
  const unheard = refuseUnheardCode(attempts)
  if (unheard) return unheard
  const key = await openCurrentKey(ctx, read.key)
  const step = stepOf(await openSecret(ctx, pending), code, at)
  if (step === null) {
    const failed = { tenantId: tenant.id, userId: user.id }
    const [refused] = await Promise.all([refuseWrongCode(ctx, failed), countTry(ctx, challenge.id)])
    return refused
  }
  const { codes, rows } = await newRecoveryCodes(ctx)
  const amr = [...new Set([...challenge.amr, ...PROOF_AMR])]
  const { isKnownBrowser } = challenge
  const beginning = await prepare(ctx, { amr, aal: 2 }, { tenant, key, at, isKnownBrowser })
  const factor = { factorId: factor_id, step, replaces: null, codes: rows }
  const confirmed = await confirmByChallenge(ctx, challenge, factor, beginning)
  const begun = confirmed.begun ?? refuseUnheardCode(confirmed.attempts) ?? refuseToken('used meanwhile')
  return isRefusal(begun) ? begun : { begun, codes }
}

const refuseToken = (reason: string): Refusal => refuse('invalid_mfa_token', { evidence: { reason } })
