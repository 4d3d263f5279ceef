/** Registering and signing in with a password. The hash always runs between two trips, never inside a transaction. */
import type { CanonicalEmail } from '../accounts/accounts.ts'
import type { Context } from '../context.ts'
import { deriveKey } from '../crypto/keyring.ts'
import { hashRefreshToken, newRefreshToken } from '../crypto/opaque-token.ts'
import {
  decoyHash,
  hashPassword,
  needsRehash,
  type PasswordHash,
  verifyPassword,
} from '../crypto/password-hash.ts'
import { newId } from '../events/outbox.ts'
import { openCurrentKey } from '../keys/keys.ts'
import { checkLimits } from '../limits/limits.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import type { StartedRow } from '../sessions/store.ts'
import type { IssuedTokens, Session } from '../sessions/tokens.ts'
import { requireTenant, type TenantPolicy } from '../tenants/tenants.ts'
import { checkPassword, type NormalPassword, normalisePassword } from './policy.ts'
import {
  countFailure,
  findForRegistration,
  findForSignIn,
  register,
  signIn,
  type VerifiedPassword,
} from './store.ts'

const AMR = ['pwd'] // RFC 8176

/**
 * Creates an account and signs it in: (limit ∥ read) → policy → hash → one statement.
 * @returns refusals `unknown_host`, `origin_not_allowed`, `rate_limited`, `invalid_input`, `password_compromised`, `email_taken`
 */
export async function registerWithPassword(
  ctx: Context,
  input: { email: CanonicalEmail; password: string; name?: string | undefined },
): Promise<IssuedTokens | Refusal> {
  const [limited, found] = await Promise.all([
    checkLimits(ctx, 'register', { address: ctx.client.network }),
    findForRegistration(ctx),
  ])
  const tenant = requireTenant(ctx, found?.tenant)
  if (isRefusal(tenant)) return tenant
  if (limited) return limited
  const password = normalisePassword(input.password)
  const refused = checkPassword(password, { email: input.email, tenant })
  if (refused) return refused

  const key = await openCurrentKey(ctx, found?.key)
  const session = await newSession(ctx, tenant.policy)
  const user = { id: newId(ctx), tenantId: tenant.id, email: input.email, name: input.name ?? null }
  const begun = await register(ctx, user, await hash(ctx, password), session)
  if (!begun) return refuse('email_taken')
  return { tenant, key, user: { ...user, emailVerifiedAt: null, roles: [] }, ...issued(session, begun) }
}

/**
 * Signs in: (limit ∥ read) → verify → one statement. An unknown account, a wrong password, a disabled account and a
 * password changed meanwhile are one answer after the same work and the same trips.
 * @returns refusals `unknown_host`, `origin_not_allowed`, `rate_limited`, `invalid_credentials`
 */
export async function signInWithPassword(
  ctx: Context,
  input: { email: CanonicalEmail; password: string },
): Promise<IssuedTokens | Refusal> {
  const [limited, found] = await Promise.all([
    checkLimits(ctx, 'login', { address: ctx.client.network, account: `${ctx.host}\0${input.email}` }),
    findForSignIn(ctx, input.email),
  ])
  const tenant = requireTenant(ctx, found?.tenant)
  if (isRefusal(tenant)) return tenant
  if (limited) return limited
  const { user, password: stored } = found ?? {}
  const key = await openCurrentKey(ctx, found?.key)

  const password = normalisePassword(input.password)
  const verified = await verify(ctx, password, stored ?? null)
  if (!user || !stored || !verified) {
    await countFailure(ctx, tenant.id, user?.id ?? newId(ctx))
    return refuse('invalid_credentials', {
      evidence: { reason: user ? 'wrong password' : 'unknown account' },
    })
  }
  const session = await newSession(ctx, tenant.policy)
  const begun = await signIn(ctx, await toSignIn(ctx, { user, tenant, stored, password }), session)
  if (!begun)
    return refuse('invalid_credentials', { evidence: { reason: 'account not active or password changed' } })
  return { tenant, key, user, ...issued(session, begun) }
}

type StoredPassword = PasswordHash & { changedAt: string }

async function hash(
  ctx: Pick<Context, 'settings' | 'random'>,
  password: NormalPassword,
): Promise<PasswordHash> {
  const pepper = await deriveKey(ctx.settings.authKeys, 'password-pepper')
  await yieldToOthers()
  return hashPassword(password, { cost: ctx.settings.argon2, pepper, random: ctx.random })
}

/** Without a stored password the decoy of the same cost is verified, and never matches. */
async function verify(
  { settings }: Pick<Context, 'settings'>,
  password: NormalPassword,
  stored: PasswordHash | null,
): Promise<boolean> {
  const { key } = await deriveKey(settings.authKeys, 'password-pepper', stored?.keyId)
  await yieldToOthers()
  return verifyPassword(password, stored?.phc ?? decoyHash(settings.argon2), key) && stored !== null
}

/** The hash holds the isolate for tens of milliseconds: answers that have arrived for other requests go first. */
const yieldToOthers = () => scheduler.wait(0)

async function toSignIn(
  ctx: Pick<Context, 'settings' | 'random'>,
  verified: {
    user: { id: string }
    tenant: { id: string }
    stored: StoredPassword
    password: NormalPassword
  },
): Promise<VerifiedPassword> {
  const { user, tenant, stored, password } = verified
  const isOutdated = needsRehash(stored, ctx.settings.argon2, ctx.settings.authKeys[0].keyId)
  return {
    userId: user.id,
    tenantId: tenant.id,
    changedAt: stored.changedAt,
    rehashed: isOutdated ? await hash(ctx, password) : null,
  }
}

async function newSession(ctx: Pick<Context, 'settings' | 'now' | 'random'>, policy: TenantPolicy) {
  const refreshToken = newRefreshToken(ctx.random)
  const refreshTokenHash = await hashRefreshToken(ctx.settings.authKeys, refreshToken)
  return {
    id: newId(ctx),
    refreshToken,
    refreshTokenId: newId(ctx),
    refreshTokenHash,
    policy,
    amr: AMR,
    aal: 1 as const,
  }
}

function issued(
  { refreshToken, amr, aal }: Awaited<ReturnType<typeof newSession>>,
  row: StartedRow,
): Pick<IssuedTokens, 'session' | 'refreshToken' | 'refreshExpiresInSeconds'> {
  const session: Session = {
    id: row.id,
    expiresAt: new Date(row.expires_at),
    authTime: new Date(row.auth_time),
    amr,
    aal,
  }
  return { session, refreshToken, refreshExpiresInSeconds: row.refresh_expires_in }
}
