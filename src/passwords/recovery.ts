/**
 * Getting into an account by its address: asking for a link, setting a new password by it, and proving the address.
 * Whoever asks learns nothing of whether there is an account; whoever holds a link proves the address and nothing else.
 */
import type { CanonicalEmail } from '../accounts/accounts.ts'
import type { Context } from '../context.ts'
import { requireOwnKey } from '../keys/auth-keys.ts'
import { checkLimits } from '../limits/check.ts'
import { newToken, readToken, refuseToken } from '../one-time/one-time.ts'
import { requestToken } from '../one-time/store.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { findKnownDevice, subjectsOf } from '../sessions/known-device.ts'
import { requireTenant, type Tenant } from '../tenants/tenants.ts'
import { hashUnbreached } from './breached.ts'
import { attemptSubject } from './failures.ts'
import { verify } from './hashing.ts'
import { checkPassword, normalisePassword } from './policy.ts'
import { findByToken, resetPassword, verifyEmail } from './recovery-store.ts'

/**
 * Has a link mailed to whoever has this address, if anybody has: limit → one statement.
 * @returns the tenant; refusals `rate_limited`, `unknown_host`, `origin_not_allowed`
 */
export async function forgetPassword(
  ctx: Context,
  headers: Headers,
  email: CanonicalEmail,
): Promise<Tenant | Refusal> {
  const device = await findKnownDevice(ctx, headers, email)
  const limited = await checkLimits(ctx, 'forgotPassword', subjectsOf(ctx, email, device?.nonce ?? null))
  if (limited) return limited
  const token = await newToken(ctx, 'reset_password')
  return requireTenant(ctx, await requestToken(ctx, email, token, { type: 'password.reset_requested' }))
}

export type Redemption = { token: string; password: string; name?: string | undefined }

/** By the link of somebody who forgot theirs; see `redeemForPassword`. */
export const redeemReset = (ctx: Context, headers: Headers, input: Redemption): Promise<Refusal | null> =>
  redeemForPassword(ctx, headers, input, {
    purpose: 'reset_password',
    limit: () => checkLimits(ctx, 'resetPassword'),
  })

/** By the link of somebody who is invited, and who may say what they are called; see `redeemForPassword`. */
export const redeemInvitation = (
  ctx: Context,
  headers: Headers,
  input: Redemption,
): Promise<Refusal | null> =>
  redeemForPassword(ctx, headers, input, {
    purpose: 'invitation',
    limit: () => checkLimits(ctx, 'acceptInvitation'),
  })

type Link = { purpose: 'reset_password' | 'invitation'; limit: () => Promise<Refusal | null> }

/**
 * Sets a new password by a mailed link: (limit ∥ read) → policy → hash → one batch. It signs nobody in.
 * @returns null when it is set; refusals `invalid_one_time_token`, `invalid_input`, `password_compromised`, `rate_limited`,
 * `unknown_host`, `origin_not_allowed`
 */
async function redeemForPassword(
  ctx: Context,
  headers: Headers,
  { token, password: text, name }: Redemption,
  { purpose, limit }: Link,
): Promise<Refusal | null> {
  const tokenHash = await readToken(token)
  if (isRefusal(tokenHash)) return tokenHash
  const [limited, found] = await Promise.all([limit(), findByToken(ctx, tokenHash, purpose)])
  const tenant = requireTenant(ctx, found?.tenant)
  if (isRefusal(tenant)) return tenant
  if (limited) return limited
  requireOwnKey(ctx, found?.ring, 'password')
  const email = found?.user?.email as CanonicalEmail | null | undefined // the column holds no other form
  if (!email) return refuseToken('not alive')
  ctx.outcome.subject = found?.user?.id
  const password = normalisePassword(text)
  const refused = checkPassword(password, { email, tenant, field: '/password' })
  if (refused) return refused

  const device = await findKnownDevice(ctx, headers, email)
  const subjects = await Promise.all(
    [null, ...(device ? [device.nonce] : [])].map((nonce) => attemptSubject(email, nonce)),
  )
  const passwordHash = await hashUnbreached(ctx, password, '/password')
  if (isRefusal(passwordHash)) return passwordHash
  const reset = { hash: tokenHash, purpose, passwordHash, subjects, tenantId: tenant.id, name }
  const done = await resetPassword(ctx, reset)
  if (!done) return refuseToken('used meanwhile')
  if (done.rolesLeftOut > 0)
    ctx.log('warn', 'an account has as many roles as it may', {
      subject: found?.user?.id,
      left_out: done.rolesLeftOut,
    })
  return null
}

/**
 * Proves an address by its mailed link: (limit ∥ read) → verify → one batch. With the password of the account everything
 * stays as it is; without it, what was there before the first proof is gone. A wrong one uses nothing up.
 * @returns what became of the password; refusals `invalid_one_time_token`, `invalid_credentials`, `rate_limited`,
 * `unknown_host`, `origin_not_allowed`
 */
export async function proveEmail(
  ctx: Context,
  { token, password }: { token: string; password?: string | undefined },
): Promise<'kept' | 'removed' | 'none' | Refusal> {
  const tokenHash = await readToken(token)
  if (isRefusal(tokenHash)) return tokenHash
  const [limited, found] = await Promise.all([
    checkLimits(ctx, 'verifyEmail'),
    findByToken(ctx, tokenHash, 'verify_email'),
  ])
  const tenant = requireTenant(ctx, found?.tenant)
  if (isRefusal(tenant)) return tenant
  if (limited) return limited
  requireOwnKey(ctx, found?.ring, 'password')
  const email = found?.user?.email as CanonicalEmail | null | undefined // the column holds no other form
  if (!found?.user || !email) return refuseToken('not alive')
  ctx.outcome.subject = found.user.id
  const { password: stored } = found
  const isKnown = password !== undefined && stored !== null
  if (isKnown && !(await verify(ctx, normalisePassword(password), stored)))
    return refuse('invalid_credentials', { evidence: { reason: 'wrong password' } })
  const proved = await verifyEmail(ctx, {
    hash: tokenHash,
    knownSince: isKnown ? stored.changedAt : null,
    subject: await attemptSubject(email, null),
    tenantId: tenant.id,
  })
  return proved ?? refuseToken('used meanwhile')
}
