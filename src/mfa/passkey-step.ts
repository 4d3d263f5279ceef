/** The second step of a sign-in with a passkey, in the place of a code. */
import type { Context } from '../context.ts'
import { fromBase64Url, toBase64Url } from '../crypto/base64.ts'
import { requireKeys } from '../keys/auth-keys.ts'
import { openCurrentKey } from '../keys/keys.ts'
import { checkLimits } from '../limits/check.ts'
import { verifyAnswer } from '../passkeys/assertion.ts'
import { type Browser, browserOf, keepChallenge, newChallenge, takeChallenge } from '../passkeys/ceremony.ts'
import { type Assertion, readClientData, refusePasskey } from '../passkeys/credential.ts'
import { requestOptions } from '../passkeys/options.ts'
import { relyingPartyOf } from '../passkeys/relying-party.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { countTry } from '../sign-in/challenge-store.ts'
import { METHODS } from '../sign-in/methods.ts'
import { hashMfaToken, type MfaTokenHash, parseMfaToken } from '../sign-in/mfa-token.ts'
import { type Begun, prepare, trusting } from '../sign-in/start.ts'
import { newTrust } from '../sign-in/trusted-device.ts'
import { requireTenant } from '../tenants/tenants.ts'
import { findAnswered, findOffered, passWithPasskey } from './passkey-step-store.ts'

/** The token is one of a sign-in, of one account of one tenant: so is the challenge. */
const purposeOf = (hash: MfaTokenHash) => ({ kind: 'second_factor', token: toBase64Url(hash) }) as const

export type Options = { options: ReturnType<typeof requestOptions>; browser: Browser }

/**
 * Makes the challenge: limit and challenge ∥ read.
 * @returns refusals `invalid_mfa_token`, `no_second_factor` (no passkey is one), `rate_limited`, `unknown_host`,
 * `origin_not_allowed`
 */
export async function beginPasskeyStep(
  ctx: Context,
  headers: Headers,
  mfaToken: string,
): Promise<Options | Refusal> {
  const token = parseMfaToken(mfaToken)
  if (token === null) return refuseChallenge('malformed')
  const hash = await hashMfaToken(token)
  const challenge = newChallenge(ctx)
  const browser = browserOf(ctx, headers)
  const besides = await keepChallenge(ctx, challenge, { purpose: purposeOf(hash), browser })
  const [limited, found] = await Promise.all([
    checkLimits(ctx, 'beginMfaWithPasskey', {}, besides),
    findOffered(ctx, hash),
  ])
  const tenant = requireTenant(ctx, found?.tenant)
  if (isRefusal(tenant)) return tenant
  if (limited) return limited
  requireKeys(ctx, found?.ring, 'passkey')
  if (!found?.challenge) return refuseChallenge('over or unknown')
  ctx.outcome.subject = found.challenge.userId
  if (found.offered.length === 0) return refuse('no_second_factor')
  return { options: requestOptions(challenge, relyingPartyOf(tenant), found.offered), browser }
}

/**
 * (limit and challenge ∥ read) → verify → one batch. What is wrong in answer to a challenge counts against the token, as a
 * wrong code does; not against the account, whose passkeys no one guesses.
 * @param trust as of `verifySecondFactor`
 * @returns refusals `invalid_mfa_token`, `invalid_passkey`, `rate_limited`, `trusted_devices_off`, `unknown_host`,
 * `origin_not_allowed`
 */
export async function verifyPasskeyStep(
  ctx: Context,
  headers: Headers,
  { mfa_token, credential: assertion }: { mfa_token: string; credential: Assertion },
  { trust = false }: { trust?: boolean } = {},
): Promise<Begun | Refusal> {
  const token = parseMfaToken(mfa_token)
  if (token === null) return refuseChallenge('malformed')
  const hash = await hashMfaToken(token)
  const clientData = readClientData(assertion.response.clientDataJSON)
  const asked = clientData?.challenge ?? ''
  const { besides, taken } = await takeChallenge(ctx, asked, { purpose: purposeOf(hash), headers })
  const [limited, found] = await Promise.all([
    checkLimits(ctx, 'verifyMfaWithPasskey', {}, besides),
    findAnswered(ctx, hash, fromBase64Url(assertion.id) ?? new Uint8Array()),
  ])
  const tenant = requireTenant(ctx, found?.tenant)
  if (isRefusal(tenant)) return tenant
  if (limited) return limited
  requireKeys(ctx, found?.ring, 'passkey')
  if (!found?.challenge) return refuseChallenge('over or unknown')
  if (trust && !tenant.policy.trusted_devices) return refuse('trusted_devices_off')
  const { challenge, at } = found
  ctx.outcome.subject = challenge.userId
  const refused = async (refusal: Refusal) => {
    await countTry(ctx, challenge.id)
    return refusal
  }
  const ceremony = taken()
  // Not counted: a page that sends its answer twice must not use up the token of its own sign-in.
  if (!clientData || !ceremony) return refusePasskey('no such challenge')
  const stored = found.credential
  const publicKey = stored && fromBase64Url(stored.publicKey)
  if (!stored || !publicKey) return refused(refusePasskey('no second factor of the account'))
  const credential = { ...stored, publicKey, userId: challenge.userId }
  const verified = await verifyAnswer(assertion, { clientData, tenant, credential, withHandle: false })
  if (isRefusal(verified)) return refused(verified)
  const key = await openCurrentKey(ctx, found.key)
  const amr = [...new Set([...challenge.amr, ...METHODS.passkey.amr])]
  const { isKnownBrowser } = challenge
  const beginning = await prepare(ctx, { amr, aal: 2 }, { tenant, key, at, isKnownBrowser })
  const answered = { ...verified, id: stored.id, ceremony, challengeId: challenge.id }
  const trusted = trust ? await newTrust(ctx) : null
  const begun = await passWithPasskey(ctx, answered, beginning, trusted)
  return (
    trusting(begun, trusted) ??
    refused(refusePasskey('challenge used before, counter went back, or account not usable'))
  )
}

const refuseChallenge = (reason: string): Refusal => refuse('invalid_mfa_token', { evidence: { reason } })
