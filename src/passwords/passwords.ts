/** Registering and signing in with a password. The hash always runs between two trips, never inside a transaction. */
import type { CanonicalEmail } from '../accounts/accounts.ts'
import type { Context } from '../context.ts'
import { hashRefreshToken, newRefreshToken } from '../crypto/opaque-token.ts'
import { needsRehash, type PasswordHash } from '../crypto/password-hash.ts'
import { newId } from '../events/outbox.ts'
import {
  type IdempotencyKey,
  type KeptAnswer,
  openAnswer,
  repeatAnswer,
  sealAnswer,
} from '../idempotency/idempotency.ts'
import { openCurrentKey } from '../keys/keys.ts'
import { checkLimits } from '../limits/check.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { type NewSession, refreshSeconds } from '../sessions/store.ts'
import type { IssuedTokens } from '../sessions/tokens.ts'
import { requireTenant, type TenantPolicy } from '../tenants/tenants.ts'
import { attemptSubject, refuseUnheard } from './failures.ts'
import { hash, verify } from './hashing.ts'
import type { KnownDevice } from './known-device.ts'
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

export type RegistrationInput = {
  email: CanonicalEmail
  password: string
  name?: string | undefined
  /** What the caller's `Accept-Language` prefers. */
  locale: string | null
  transport: string
}

type RegistrationOptions = {
  /** The caller's `Idempotency-Key`, when there is one. */
  idempotencyKey: string | null
  /** Forms the answer; called before the effect, so that both are written together. */
  answer: (issued: IssuedTokens) => Promise<Response>
}

/**
 * Creates an account and signs it in: (limit ∥ read) → policy → hash → one statement.
 * @returns the answer, also of the earlier request that this one repeats; refusals `unknown_host`, `origin_not_allowed`,
 * `rate_limited`, `idempotency_key_reused`, `idempotency_key_in_use`, `invalid_input`, `password_compromised`, `email_taken`
 */
export async function registerWithPassword(
  ctx: Context,
  input: RegistrationInput,
  { idempotencyKey, answer }: RegistrationOptions,
): Promise<Response | Refusal> {
  const repeat = idempotencyKey && { actor: 'anonymous', operation: 'register', key: idempotencyKey }
  const account = `${ctx.host}\0${input.email}`
  const [limited, found] = await Promise.all([
    checkLimits(ctx, 'register', { account, tenant: ctx.host }),
    findForRegistration(ctx, repeat || null),
  ])
  const tenant = requireTenant(ctx, found?.tenant)
  if (isRefusal(tenant)) return tenant
  if (limited) return limited
  const password = normalisePassword(input.password)
  if (found?.kept && repeat)
    return repeatRegistration(ctx, tenant.id, repeat, found.kept, { input, password })
  const refused = checkPassword(password, { email: input.email, tenant })
  if (refused) return refused

  const key = await openCurrentKey(ctx, found?.key)
  const session = await newSession(ctx, tenant.policy, found?.at)
  const { email, name = null, locale } = input
  const user = { id: newId(ctx), tenantId: tenant.id, email, name, locale }
  const passwordHash = await hash(ctx, password)
  const person = { ...user, emailVerifiedAt: null, roles: [] }
  const response = await answer({ tenant, key, user: person, ...issued(session) })
  const sealed =
    repeat &&
    (await sealAnswer(ctx, tenant.id, repeat, response, { request: requestText(input), passwordHash }))
  const outcome = await register(ctx, {
    user,
    hash: passwordHash,
    session,
    subject: await attemptSubject(input.email, null),
    kept: repeat && sealed ? { key: repeat, sealed } : null,
  })
  return outcome === 'registered' ? response : refuse(outcome)
}

/** The request without its password, which `KeptAnswer.passwordHash` stands for. */
const requestText = ({ email, name, transport }: RegistrationInput) =>
  JSON.stringify([email, name ?? null, transport])

/** As dear as the first time: whoever does not know the password learns nothing, and not for less. */
async function repeatRegistration(
  ctx: Context,
  tenantId: string,
  key: IdempotencyKey,
  { sealed, refused }: { sealed: string; refused: string | null },
  { input, password }: { input: RegistrationInput; password: NormalPassword },
): Promise<Response | Refusal> {
  const kept: KeptAnswer = await openAnswer(ctx, tenantId, key, sealed)
  const isSame = await verify(ctx, password, kept.passwordHash)
  if (!isSame || kept.request !== requestText(input)) return refuse('idempotency_key_reused')
  return refused === null ? repeatAnswer(kept) : refuse('email_taken')
}

/**
 * Signs in: (limit ∥ read) → verify → one statement. An unknown account, a wrong password, a disabled account and a
 * password changed meanwhile are one answer after the same work and the same trips; so are an account and an unknown
 * address whose attempts are delayed.
 * @param device the caller's browser, when it is one that has signed in to this account before
 * @returns refusals `unknown_host`, `origin_not_allowed`, `rate_limited`, `password_disabled`, `invalid_credentials`
 */
export async function signInWithPassword(
  ctx: Context,
  input: { email: CanonicalEmail; password: string },
  device: KnownDevice | null,
): Promise<IssuedTokens | Refusal> {
  const subject = await attemptSubject(input.email, device?.nonce ?? null)
  const [limited, found] = await Promise.all([
    limitSignIn(ctx, input.email, device),
    findForSignIn(ctx, input.email, subject),
  ])
  const tenant = requireTenant(ctx, found?.tenant)
  if (isRefusal(tenant)) return tenant
  ctx.outcome.subject = found?.user?.id
  const refused = limited ?? (found && refuseUnheard(found.attempts))
  if (refused) return refused
  const { user, password: stored } = found ?? {}
  const key = await openCurrentKey(ctx, found?.key)

  const password = normalisePassword(input.password)
  const isRight = await verify(ctx, password, stored ?? null)
  if (!user || !stored || !isRight) {
    const { hasCounted, ...attempts } = await countFailure(ctx, {
      tenantId: tenant.id,
      subject,
      userId: user?.id ?? null,
    })
    const late = hasCounted ? null : refuseUnheard(attempts)
    const reason = user ? 'wrong password' : 'unknown account'
    return late ?? refuse('invalid_credentials', { evidence: { reason, ...evidenceOf(attempts) } })
  }
  const session = await newSession(ctx, tenant.policy, found?.at)
  const verified = await toSignIn(ctx, { user, tenant, stored, password, subject })
  const { hasBegun, ...attempts } = await signIn(ctx, verified, session)
  if (hasBegun) return { tenant, key, user, ...issued(session) }
  const reason = 'account not active or password changed'
  return refuseUnheard(attempts) ?? refuse('invalid_credentials', { evidence: { reason } })
}

const evidenceOf = ({ failures }: { failures: number }) => ({ consecutive_failures: failures })

/** A browser that the account knows has a bucket of its own: what strangers use up is not the owner's. */
function limitSignIn(ctx: Context, email: CanonicalEmail, device: KnownDevice | null) {
  const account = `${ctx.host}\0${email}`
  return checkLimits(
    ctx,
    'login',
    device === null
      ? { account, account_address: `${account}\0${ctx.client.network}` }
      : { device: `${account}\0${device.nonce}` },
  )
}

type StoredPassword = PasswordHash & { changedAt: string }

async function toSignIn(
  ctx: Pick<Context, 'settings' | 'random' | 'now'>,
  verified: {
    user: { id: string }
    tenant: { id: string }
    stored: StoredPassword
    password: NormalPassword
    subject: Uint8Array
  },
): Promise<VerifiedPassword> {
  const { user, tenant, stored, password, subject } = verified
  const isOutdated = needsRehash(stored, ctx.settings.argon2, ctx.settings.authKeys[0].keyId)
  return {
    userId: user.id,
    tenantId: tenant.id,
    subject,
    changedAt: stored.changedAt,
    rehashed: isOutdated ? await hash(ctx, password) : null,
  }
}

/** @param at the database's clock; absent only where the read found nothing, and then no session begins */
async function newSession(
  ctx: Pick<Context, 'settings' | 'now' | 'random'>,
  policy: TenantPolicy,
  at = ctx.now(),
) {
  const refreshToken = newRefreshToken(ctx.random)
  const refreshTokenHash = await hashRefreshToken(ctx.settings.authKeys, refreshToken)
  return {
    id: newId(ctx),
    startedAt: at,
    refreshToken,
    refreshTokenId: newId(ctx),
    refreshTokenHash,
    policy,
    amr: AMR,
    aal: 1 as const,
  }
}

function issued({
  id,
  startedAt,
  policy,
  amr,
  aal,
  refreshToken,
}: NewSession & Pick<IssuedTokens, 'refreshToken'>): Pick<
  IssuedTokens,
  'session' | 'refreshToken' | 'refreshExpiresInSeconds'
> {
  const expiresAt = new Date(startedAt.getTime() + policy.session_absolute_seconds * 1000)
  return {
    session: { id, expiresAt, authTime: startedAt, amr, aal },
    refreshToken,
    refreshExpiresInSeconds: refreshSeconds(policy),
  }
}
