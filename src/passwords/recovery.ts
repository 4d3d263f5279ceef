/**
 * Getting into an account by its address: asking for a link, setting a new password by it, and proving the address.
 * A request never reveals whether an account exists. A link proves control of the address and nothing else.
 */
import type { CanonicalEmail } from '../accounts/accounts.ts'
import { attemptSubject } from '../accounts/attempts.ts'
import type { Context } from '../context.ts'
import { requireOwnKey } from '../keys/auth-keys.ts'
import { checkLimits } from '../limits/check.ts'
import { newToken, readToken, refuseToken } from '../one-time/one-time.ts'
import { requestToken } from '../one-time/store.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { findKnownDevice, subjectsOf } from '../sign-in/known-device.ts'
import { requireTenant, type Tenant } from '../tenants/tenants.ts'
import { passTurnstile, refuseUnlessPassed } from '../turnstile/turnstile.ts'
import { letsIn } from '../turnstile/turnstile-store.ts'
import { hashUnbreached } from './breached.ts'
import { type StoredHash, verify } from './hashing.ts'
import { checkPassword, normalisePassword } from './policy.ts'
import { findByToken, resetPassword, verifyEmail } from './recovery-store.ts'
import { hasRegistered } from './registering-browser.ts'

/**
 * Has a link mailed to the account of this address, if there is one: limit → one statement.
 * @returns the tenant; refusals `rate_limited`, `unknown_host`, `origin_not_allowed`, `turnstile_failed`
 */
export async function forgetPassword(
  ctx: Context,
  headers: Headers,
  { email, turnstile_token }: { email: CanonicalEmail; turnstile_token?: string | undefined },
): Promise<Tenant | Refusal> {
  const device = await findKnownDevice(ctx, headers, email)
  const limited = await checkLimits(ctx, 'forgotPassword', subjectsOf(ctx, email, device?.nonce ?? null))
  if (limited) return limited
  const hasPassed = await passTurnstile(ctx, turnstile_token)
  if (isRefusal(hasPassed)) return hasPassed
  const token = await newToken(ctx, 'reset_password')
  const asked = await requestToken(ctx, email, token, {
    type: 'password.reset_requested',
    browser: device?.nonce ?? null,
    letsIn: letsIn(hasPassed),
  })
  const tenant = requireTenant(ctx, asked)
  return isRefusal(tenant) ? tenant : (refuseUnlessPassed(tenant, hasPassed) ?? tenant)
}

export type Redemption = { token: string; password: string; name?: string | undefined }

/** With the link of a password reset; see `redeemForPassword`. */
export const redeemReset = (ctx: Context, headers: Headers, input: Redemption): Promise<Refusal | null> =>
  redeemForPassword(ctx, headers, input, {
    purpose: 'reset_password',
    limit: () => checkLimits(ctx, 'resetPassword'),
    field: '/password',
  })

/** With the link of an invitation; the person may give their name. See `redeemForPassword`. */
export const redeemInvitation = (
  ctx: Context,
  headers: Headers,
  input: Redemption,
): Promise<Refusal | null> =>
  redeemForPassword(ctx, headers, input, {
    purpose: 'invitation',
    limit: () => checkLimits(ctx, 'acceptInvitation'),
    field: '/password',
  })

type Link = {
  purpose: 'reset_password' | 'invitation' | 'verify_email'
  limit: () => Promise<Refusal | null>
  /** Where the password is in the body. */
  field: string
}

/**
 * Sets a new password by a mailed link: (limit ∥ read) → policy → hash → one batch. No session begins.
 * @returns null when it is set; refusals `invalid_one_time_token`, `invalid_input`, `password_compromised`, `rate_limited`,
 * `unknown_host`, `origin_not_allowed`
 */
async function redeemForPassword(
  ctx: Context,
  headers: Headers,
  { token, password: text, name }: Redemption,
  { purpose, limit, field }: Link,
): Promise<Refusal | null> {
  const tokenHash = await readToken(token)
  if (isRefusal(tokenHash)) return tokenHash
  const [limited, found] = await Promise.all([limit(), findByToken(ctx, tokenHash, purpose)])
  const tenant = requireTenant(ctx, found?.tenant)
  if (isRefusal(tenant)) return tenant
  if (limited) return limited
  requireOwnKey(ctx, found?.ring, 'password')
  const email = found?.user?.email as CanonicalEmail | null | undefined // the column holds no other form
  if (!found?.user || !email) return refuseToken('not alive')
  ctx.outcome.subject = found.user.id
  // A link that proves lives for a day: as a reset it would outlive those.
  if (purpose === 'verify_email' && found.user.emailVerifiedAt !== null) return refuseToken('proved already')
  const password = normalisePassword(text)
  const refused = checkPassword(password, { email, tenant, field })
  if (refused) return refused

  const device = await findKnownDevice(ctx, headers, email)
  const subjects = await Promise.all(
    [null, ...(device ? [device.nonce] : [])].map((nonce) => attemptSubject(email, nonce)),
  )
  const passwordHash = await hashUnbreached(ctx, password, field)
  if (isRefusal(passwordHash)) return passwordHash
  const reset = { hash: tokenHash, purpose, passwordHash, subjects, tenantId: tenant.id, name }
  const done = await resetPassword(ctx, reset)
  if (!done) return refuseToken('used meanwhile')
  if (done.rolesLeftOut > 0)
    ctx.log('warn', 'account has the maximum number of roles', {
      subject: found.user.id,
      left_out: done.rolesLeftOut,
    })
  return null
}

export type Proof = {
  token: string
  password?: string | undefined
  new_password?: string | undefined
}

/**
 * Proves an address by its mailed link: (limit ∥ read) → verify or hash → one batch. In the browser that registered, or
 * with the password of the account, everything stays as it is; with a new password that one is set; with neither, what was
 * there before the first proof is gone. What is wrong uses nothing up.
 * @param options.mayRemove false: who gives neither is asked once more, where that would remove a password
 * @returns what became of the password; refusals `invalid_one_time_token`, `invalid_credentials`, `invalid_input`,
 * `password_compromised`, `rate_limited`, `unknown_host`, `origin_not_allowed`
 */
export async function proveEmail(
  ctx: Context,
  headers: Headers,
  { token, password, new_password }: Proof,
  { mayRemove = true } = {},
): Promise<'kept' | 'removed' | 'none' | 'set' | Refusal> {
  const limit = () => checkLimits(ctx, 'verifyEmail')
  if (new_password !== undefined) {
    const link = { purpose: 'verify_email', limit, field: '/new_password' } as const
    return (await redeemForPassword(ctx, headers, { token, password: new_password }, link)) ?? 'set'
  }
  const tokenHash = await readToken(token)
  if (isRefusal(tokenHash)) return tokenHash
  const [limited, found] = await Promise.all([limit(), findByToken(ctx, tokenHash, 'verify_email')])
  const tenant = requireTenant(ctx, found?.tenant)
  if (isRefusal(tenant)) return tenant
  if (limited) return limited
  requireOwnKey(ctx, found?.ring, 'password')
  const email = found?.user?.email as CanonicalEmail | null | undefined // the column holds no other form
  if (!found?.user || !email) return refuseToken('not alive')
  ctx.outcome.subject = found.user.id
  const { password: stored, user } = found
  const isTheirs = stored !== null && (await knowsPassword(ctx, headers, { user, stored, password }))
  if (password !== undefined && stored !== null && !isTheirs)
    return refuse('invalid_credentials', { evidence: { reason: 'wrong password' } })
  if (!mayRemove && stored !== null && !isTheirs && user.emailVerifiedAt === null)
    return refuse('invalid_input', { errors: [{ pointer: '/password', code: 'missing' }] })
  const proved = await verifyEmail(ctx, {
    hash: tokenHash,
    knownSince: isTheirs ? stored.changedAt : null,
    subject: await attemptSubject(email, null),
    tenantId: tenant.id,
  })
  return proved ?? refuseToken('used meanwhile')
}

type Known = {
  user: { id: string }
  stored: StoredHash
  password: string | undefined
}

/** Who gives a password is held to it, wherever they are: they may have registered here and be at another's account. */
const knowsPassword = (
  ctx: Context,
  headers: Headers,
  { user, stored, password }: Known,
): Promise<boolean> =>
  password === undefined ? hasRegistered(ctx, headers, user.id) : verify(ctx, password, stored)
