/**
 * A code by email, for an account without a second factor whose tenant requires one. It is not a factor of the account (ASVS
 * 6.3.6): the session is AAL1, and the code cannot be used for step-up. An account with an app or a passkey is never offered
 * it, because an attacker would take the weaker way. It is not offered after a code or link by email either.
 */
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { equalInConstantTime } from '../crypto/hmac.ts'
import { newId } from '../events/outbox.ts'
import { checkLimits, refuseOver } from '../limits/check.ts'
import { LIMITS } from '../limits/limits.ts'
import { parseSignInCode, secondFactorCode } from '../one-time/one-time-token.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { hashMfaToken, parseMfaToken } from '../sign-in/mfa-token.ts'
import { requireTenant, type TenantPolicy } from '../tenants/tenants.ts'
import { requestCode } from './email-code-store.ts'
import type { MailedProof } from './factor-store.ts'
import { Answered } from './proof.ts'

/** What the second step of a sign-in can be answered with; step-up takes no mailed code. */
export const SecondStep = v.object({
  ...Answered,
  method: v.picklist([...Answered.method.options, 'email_code']),
})
export type SecondStep = v.InferOutput<typeof SecondStep>

/** RFC 8176 has no word for a mailed code; it is a one-time password. Not `mfa`, because it is not a second factor. */
export const MAILED_AMR = ['otp']

/**
 * Mails a code for a sign-in that waits: limit → one batch. A newer code replaces the older one of the same sign-in only: an
 * attacker who knows the password cannot void a code that the owner was mailed.
 * @returns seconds until the sign-in is over; refusals `rate_limited`, `invalid_mfa_token`, `unknown_host`, `origin_not_allowed`
 */
export async function mailCode(ctx: Context, mfaToken: string): Promise<number | Refusal> {
  const token = parseMfaToken(mfaToken)
  if (token === null) return refuse('invalid_mfa_token', { evidence: { reason: 'malformed' } })
  const limited = await checkLimits(ctx, 'requestEmailCode', { token })
  if (limited) return limited
  const { tenant: row, asked } = await requestCode(ctx, await hashMfaToken(token), newId(ctx))
  const tenant = requireTenant(ctx, row)
  if (isRefusal(tenant)) return tenant
  if (!asked) return refuse('invalid_mfa_token', { evidence: { reason: 'over, unknown, or not for a code' } })
  ctx.outcome.subject = asked.userId
  if (asked.seconds !== null) return asked.seconds
  const limit = LIMITS.requestEmailCode.postgres.account
  return refuseOver('account', limit, limit.seconds)
}

/** @returns what the statement has to check again; null when the code is wrong, or not allowed here */
export async function proveEmailCode(
  { settings }: Pick<Context, 'settings'>,
  policy: TenantPolicy,
  mailed: { codeId: string | null; codeKeyId: string | null; isByEmail: boolean; email: string | null },
  code: string,
): Promise<MailedProof | null> {
  const { codeId, codeKeyId, email, isByEmail } = mailed
  const given = parseSignInCode(code)
  if (!policy.second_factor_email_code || isByEmail) return null
  if (given === null || codeId === null || codeKeyId === null || email === null) return null
  const right = await secondFactorCode(settings.authKeys, { id: codeId, keyId: codeKeyId, email })
  const [one, other] = [given, right].map((text) => new TextEncoder().encode(text))
  return one && other && equalInConstantTime(one, other) ? { method: 'email_code', codeId, email } : null
}
