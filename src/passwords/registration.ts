/**
 * Registering with a password, in the tenant's mode. `sign-in-at-once` answers tokens, and says when an address is taken;
 * `verify-first` gives the same answer for every address; only the mail differs.
 */
import { type CanonicalEmail, userAsInserted } from '../accounts/accounts.ts'
import { attemptSubject } from '../accounts/attempts.ts'
import type { Context } from '../context.ts'
import { newId } from '../events/outbox.ts'
import {
  type IdempotencyKey,
  type KeptAnswer,
  openAnswer,
  repeatAnswer,
  sealAnswer,
} from '../idempotency/idempotency.ts'
import { requireOwnKey } from '../keys/auth-keys.ts'
import { openCurrentKey } from '../keys/keys.ts'
import { checkLimits } from '../limits/check.ts'
import { newToken } from '../one-time/one-time.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { type Begun, begunAsNew, prepare } from '../sign-in/start.ts'
import { requireTenant } from '../tenants/tenants.ts'
import { checkTurnstile } from '../turnstile/turnstile.ts'
import { fewAtOnce } from './at-once.ts'
import { hashUnbreached } from './breached.ts'
import { verify } from './hashing.ts'
import { checkPassword, normalisePassword } from './policy.ts'
import { rememberRegistration } from './registering-browser.ts'
import {
  type Applicant,
  findForRegistration,
  type KeptRegistration,
  register,
  registerToVerify,
} from './registration-store.ts'

export type RegistrationInput = {
  email: CanonicalEmail
  password: string
  name?: string | undefined
  /** What the caller's `Accept-Language` prefers. */
  locale: string | null
  transport: string
  turnstile_token?: string | undefined
}

type RegistrationOptions = {
  /** The caller's `Idempotency-Key`, when there is one. */
  idempotencyKey: string | null
  /** Forms the answer; called before the effect, so that both are written together. */
  answer: (begun: Begun) => Promise<Response>
}

/**
 * Creates an account, and signs it in where the tenant wants that: (limit ∥ read) → policy → hash → one statement.
 * @returns the answer, also of the earlier request that this one repeats; refusals `unknown_host`, `origin_not_allowed`,
 * `rate_limited`, `idempotency_key_reused`, `idempotency_key_in_use`, `invalid_input`, `password_compromised`, `turnstile_failed`,
 * `email_taken`
 * @throws Fault `overloaded`
 */
export async function registerWithPassword(
  ctx: Context,
  headers: Headers,
  input: RegistrationInput,
  options: RegistrationOptions,
): Promise<Response | Refusal> {
  const account = JSON.stringify([ctx.host, input.email])
  return fewAtOnce(ctx, { account, isKnown: false }, () => attemptToRegister(ctx, headers, input, options))
}

async function attemptToRegister(
  ctx: Context,
  headers: Headers,
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
  requireOwnKey(ctx, found?.ring, 'password')
  const password = normalisePassword(input.password)
  if (found?.kept && repeat) return repeatRegistration(ctx, tenant.id, repeat, found.kept, input)
  const refused = checkPassword(password, { email: input.email, tenant, field: '/password' })
  if (refused) return refused
  const robot = await checkTurnstile(ctx, tenant, found?.sealedTurnstile ?? null, input.turnstile_token)
  if (robot) return robot

  const passwordHash = await hashUnbreached(ctx, password, '/password')
  if (isRefusal(passwordHash)) return passwordHash
  const { email, name = null, locale } = input
  const awaitsProof = tenant.policy.registration === 'verify-first'
  const user = { id: newId(ctx), tenantId: tenant.id, email, name, locale, awaitsProof }
  const applicant = { user, hash: passwordHash }
  const keep = async (response: Response) =>
    repeat
      ? {
          key: repeat,
          sealed: await sealAnswer(ctx, tenant.id, repeat, response, {
            request: requestText(input),
            passwordHash,
          }),
        }
      : null
  if (awaitsProof) return registerUnproved(ctx, headers, applicant, keep)

  const key = await openCurrentKey(ctx, found?.key)
  const beginning = await prepare(ctx, 'password', {
    tenant,
    key,
    at: found?.at,
    ring: found?.ring,
    openSessions: 0,
    statusIndex: found?.statusIndex,
  })
  const response = await answer(begunAsNew(beginning, userAsInserted(user)))
  const subject = await attemptSubject(email, null)
  const outcome = await register(ctx, { ...applicant, beginning, subject, kept: await keep(response) })
  return outcome === 'registered' ? response : refuse(outcome)
}

/** The same statement, and the same answer with its cookie, whether the address has an account or not. */
async function registerUnproved(
  ctx: Context,
  headers: Headers,
  applicant: Applicant,
  keep: (response: Response) => Promise<KeptRegistration | null>,
): Promise<Response | Refusal> {
  const cookie = await rememberRegistration(ctx, headers, applicant.user.id)
  const response = Response.json(
    { status: 'verification_sent' },
    { status: 202, headers: { 'set-cookie': cookie } },
  )
  const token = await newToken(ctx, 'verify_email')
  const outcome = await registerToVerify(ctx, { ...applicant, token, kept: await keep(response) })
  return outcome === 'registered' ? response : refuse(outcome)
}

/** The request without its password; `KeptAnswer.passwordHash` has its hash. */
const requestText = ({ email, name, transport }: RegistrationInput) =>
  JSON.stringify([email, name ?? null, transport])

/** Costs as much as the first time, so that a caller without the password learns nothing from the time. */
async function repeatRegistration(
  ctx: Context,
  tenantId: string,
  key: IdempotencyKey,
  { sealed, refused }: { sealed: string; refused: string | null },
  input: RegistrationInput,
): Promise<Response | Refusal> {
  const kept: KeptAnswer = await openAnswer(ctx, tenantId, key, sealed)
  const isSame = await verify(
    ctx,
    input.password,
    kept.passwordHash && { ...kept.passwordHash, userId: null },
  )
  if (!isSame || kept.request !== requestText(input)) return refuse('idempotency_key_reused')
  return refused === null ? repeatAnswer(kept) : refuse('email_taken')
}
