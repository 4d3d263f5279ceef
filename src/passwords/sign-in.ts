/** Signing in with a password. The hash always runs between two trips, never inside a transaction. */
import type { CanonicalEmail } from '../accounts/accounts.ts'
import { attemptSubject, refuseUnheard } from '../accounts/attempts.ts'
import { countFailure } from '../accounts/attempts-store.ts'
import type { Context } from '../context.ts'
import { requireKeys } from '../keys/auth-keys.ts'
import { openCurrentKey } from '../keys/keys.ts'
import { checkLimits } from '../limits/check.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { findKnownDevice, type KnownDevice, subjectsOf } from '../sign-in/known-device.ts'
import { type Begun, prepare } from '../sign-in/start.ts'
import { requireTenant } from '../tenants/tenants.ts'
import { fewAtOnce } from './at-once.ts'
import { type HashContext, rehash, type StoredHash, verify } from './hashing.ts'
import { findForSignIn, signIn, type VerifiedPassword } from './store.ts'

/**
 * Signs in: (limit ∥ read) → verify → one statement. An unknown account, a wrong password, a disabled account and a
 * password changed meanwhile are one answer after the same work and the same trips; so are an account and an unknown
 * address whose attempts are delayed.
 * @returns refusals `unknown_host`, `origin_not_allowed`, `rate_limited`, `password_disabled`, `invalid_credentials`
 * @throws Fault `overloaded`
 */
export async function signInWithPassword(
  ctx: Context,
  headers: Headers,
  input: { email: CanonicalEmail; password: string },
): Promise<Begun | Refusal> {
  const device = await findKnownDevice(ctx, headers, input.email)
  const account = JSON.stringify([ctx.host, input.email, device?.nonce ?? null])
  return fewAtOnce(ctx, { account, isKnown: device !== null }, () => attemptSignIn(ctx, input, device))
}

/** @param device the caller's browser, when it is one that has signed in to this account before */
async function attemptSignIn(
  ctx: Context,
  input: { email: CanonicalEmail; password: string },
  device: KnownDevice | null,
): Promise<Begun | Refusal> {
  const subject = await attemptSubject(input.email, device?.nonce ?? null)
  const [limited, found] = await Promise.all([
    checkLimits(ctx, 'login', {
      ...subjectsOf(ctx, input.email, device?.nonce ?? null),
      ...(device && { account_devices: `${ctx.host}\0${input.email}` }),
    }),
    findForSignIn(ctx, input.email, subject),
  ])
  const tenant = requireTenant(ctx, found?.tenant)
  if (isRefusal(tenant)) return tenant
  ctx.outcome.subject = found?.user?.id
  const refused = limited ?? (found && refuseUnheard(found.attempts))
  if (refused) return refused
  // Before any password is tried: the answer is the same for every address, and no guess is made that would have to count.
  requireKeys(ctx, found?.ring, 'password')
  const { user, password: stored } = found ?? {}
  const key = await openCurrentKey(ctx, found?.key)

  const { password } = input
  const isRight = await verify(ctx, password, stored ?? null)
  // Before its address is proved, an account has no owner yet, and its password says nothing; nor does that of
  // a disabled one, whose failures count like any.
  const isProved = user?.emailVerifiedAt || tenant.policy.registration === 'sign-in-at-once'
  const isUsable = found?.isActive && isProved
  if (!user || !stored || !isRight || !isUsable) {
    const { hasCounted, ...attempts } = await countFailure(ctx, {
      tenantId: tenant.id,
      subject,
      userId: user?.id ?? null,
    })
    const late = hasCounted ? null : refuseUnheard(attempts)
    const reason = user ? (isRight ? 'account not usable' : 'wrong password') : 'unknown account'
    return late ?? refuse('invalid_credentials', { evidence: { reason, ...evidenceOf(attempts) } })
  }
  const beginning = await prepare(ctx, 'password', {
    tenant,
    key,
    at: found?.at,
    ring: found?.ring,
    openSessions: found?.openSessions,
    isKnownBrowser: device !== null,
  })
  const verified = await toSignIn(ctx, { user, tenant, stored, password, subject })
  const { begun, attempts } = await signIn(ctx, verified, beginning)
  const reason = 'account not active or password changed'
  return begun ?? refuseUnheard(attempts) ?? refuse('invalid_credentials', { evidence: { reason } })
}

const evidenceOf = ({ failures }: { failures: number }) => ({ consecutive_failures: failures })

type StoredPassword = StoredHash & { changedAt: string }

async function toSignIn(
  ctx: HashContext,
  verified: {
    user: { id: string; emailVerifiedAt: Date | null }
    tenant: { id: string }
    stored: StoredPassword
    password: string
    subject: Uint8Array
  },
): Promise<VerifiedPassword> {
  const { user, tenant, stored, password, subject } = verified
  return {
    userId: user.id,
    tenantId: tenant.id,
    isProved: user.emailVerifiedAt !== null,
    subject,
    changedAt: stored.changedAt,
    rehashed: await rehash(ctx, password, stored),
  }
}
