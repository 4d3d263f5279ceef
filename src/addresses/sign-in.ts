/**
 * Signing in by e-mail: one mail with a code and a link. The code works anywhere it is typed, five times at most (and five
 * more in the browser that asked); the link
 * works in the browser that asked, so that one which is forwarded, scanned or phished opens nothing.
 */
import * as v from 'valibot'
import type { CanonicalEmail } from '../accounts/accounts.ts'
import type { Context } from '../context.ts'
import { readChallengeCookie } from '../http/cookies.ts'
import { stripBlanks, text } from '../http/input.ts'
import { requireKeys } from '../keys/auth-keys.ts'
import { openCurrentKey } from '../keys/keys.ts'
import { checkLimits } from '../limits/check.ts'
import { holderOfUnknown, newSignInToken, readToken, refuseToken } from '../one-time/one-time.ts'
import { parseSignInCode, type SignInCode, signInCodeHashes } from '../one-time/one-time-token.ts'
import { requestToken } from '../one-time/store.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { findKnownDevice, subjectsOf } from '../sign-in/known-device.ts'
import { type Begun, prepare } from '../sign-in/start.ts'
import { requireTenant } from '../tenants/tenants.ts'
import { passTurnstile, refuseUnlessPassed } from '../turnstile/turnstile.ts'
import { letsIn } from '../turnstile/turnstile-store.ts'
import { hashNonce, isNonceOf, newNonce } from './challenge.ts'
import { findForSignIn, signInByCode, signInByLink } from './sign-in-store.ts'

/** A code as people type it. */
export const TypedCode = v.pipe(
  text(20),
  v.transform(stripBlanks),
  v.check((code) => parseSignInCode(code) !== null, 'invalid_code'),
  v.transform((code) => parseSignInCode(code) as SignInCode), // the check before has seen that it is one
)

/**
 * Mails a code and a link, if the address has an account: limit → one statement.
 * @returns the nonce that the asking browser keeps; refusals `rate_limited`, `unknown_host`, `origin_not_allowed`
 */
export async function requestSignIn(
  ctx: Context,
  headers: Headers,
  { email, turnstile_token }: { email: CanonicalEmail; turnstile_token?: string | undefined },
): Promise<string | Refusal> {
  const device = await findKnownDevice(ctx, headers, email)
  const limited = await checkLimits(ctx, 'requestSignInCode', subjectsOf(ctx, email, device?.nonce ?? null))
  if (limited) return limited
  const hasPassed = await passTurnstile(ctx, turnstile_token)
  if (isRefusal(hasPassed)) return hasPassed
  const nonce = await newNonce(ctx, email)
  const token = await newSignInToken(ctx, email, await hashNonce(nonce))
  const asked = await requestToken(ctx, email, token, {
    type: 'email.sign_in_requested',
    browser: device?.nonce ?? null,
    letsIn: letsIn(hasPassed),
  })
  const tenant = requireTenant(ctx, asked)
  return isRefusal(tenant) ? tenant : (refuseUnlessPassed(tenant, hasPassed) ?? nonce)
}

/**
 * Signs in by a code: (limit ∥ read) → one batch. The browser that asked has its own few tries, which wrong codes from
 * elsewhere do not use up.
 * @returns refusals `invalid_code`, `rate_limited`, `unknown_host`, `origin_not_allowed`
 */
export async function redeemCode(
  ctx: Context,
  headers: Headers,
  { email, code }: { email: CanonicalEmail; code: SignInCode },
): Promise<Begun | Refusal> {
  const sent = readChallengeCookie(headers)
  const nonce = sent !== null && (await isNonceOf(ctx, sent, email)) ? sent : null
  const device = await findKnownDevice(ctx, headers, email)
  const subjects = subjectsOf(ctx, email, device?.nonce ?? nonce)
  const beginning = await prepareByEmail(ctx, checkLimits(ctx, 'verifySignInCode', subjects))
  if (isRefusal(beginning)) return beginning
  const [holder, hashes] = await Promise.all([
    holderOfUnknown(email),
    signInCodeHashes(ctx.settings.authKeys, email, code),
  ])
  const browserHash = nonce === null ? null : await hashNonce(nonce)
  const begun = await signInByCode(ctx, { email, holder, hashes, browserHash }, beginning)
  return begun ?? refuse('invalid_code', { evidence: { reason: 'wrong or over' } })
}

/**
 * Signs in by a link: (limit ∥ read) → one batch.
 * @param nonce what the browser kept when it asked
 * @returns refusals `invalid_one_time_token`, `rate_limited`, `unknown_host`, `origin_not_allowed`
 */
export async function redeemLink(
  ctx: Context,
  { token, nonce }: { token: string; nonce: string | null },
): Promise<Begun | Refusal> {
  const hash = await readToken(token)
  if (isRefusal(hash)) return hash
  if (nonce === null) return refuseLink('no challenge cookie')
  const beginning = await prepareByEmail(ctx, checkLimits(ctx, 'verifySignInLink'))
  if (isRefusal(beginning)) return beginning
  const begun = await signInByLink(ctx, { hash, browserHash: await hashNonce(nonce) }, beginning)
  return begun ?? refuseLink('not alive, or another browser')
}

const refuseLink = (reason: string): Refusal => ({
  ...refuseToken(reason),
  detail:
    'A sign-in link works once, and only in the browser that requested it. The code in the same email works anywhere.',
})

/** What every sign-in by e-mail needs before its statement. */
async function prepareByEmail(ctx: Context, limit: Promise<Refusal | null>) {
  const [limited, found] = await Promise.all([limit, findForSignIn(ctx)])
  const tenant = requireTenant(ctx, found?.tenant)
  if (isRefusal(tenant)) return tenant
  if (limited) return limited
  // Before a code is tried: one of a key that this Worker lacks must not count as wrong.
  requireKeys(ctx, found?.ring, 'email')
  const key = await openCurrentKey(ctx, found?.key)
  return prepare(ctx, 'email', { tenant, key, at: found?.at, ring: found?.ring })
}
