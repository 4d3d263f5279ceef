/**
 * A signed-in caller gives the password again: to do what needs a fresh authentication (RFC 9470), or to choose another.
 * Failures are counted for their session alone: a thief of one cannot guess on, and no stranger can stop the owner.
 */
import type { CanonicalEmail } from '../accounts/accounts.ts'
import { type Attempts, attemptSubject, confirmationSubject, refuseUnheard } from '../accounts/attempts.ts'
import { countFailure } from '../accounts/attempts-store.ts'
import type { Context } from '../context.ts'
import { readAsCaller } from '../guard/caller.ts'
import { type Caller, refuseUnless, STEP_UP } from '../guard/demands.ts'
import { requireOwnKey } from '../keys/auth-keys.ts'
import { openCurrentKey } from '../keys/keys.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import type { IssuedTokens } from '../sessions/tokens.ts'
import { type Renewed, renewedTokens } from '../sign-in/renewal-store.ts'
import { hashUnbreached } from './breached.ts'
import { type Confirmed, changePassword, confirmSession, findToConfirm } from './confirmation-store.ts'
import { verify } from './hashing.ts'
import { checkPassword, normalisePassword } from './policy.ts'

/**
 * Authenticates the caller's session anew: (limit ∥ read) → verify → one statement.
 * @returns tokens with a fresh `auth_time`; refusals as `readAsCaller`, `invalid_credentials`, `rate_limited`,
 * `password_disabled`
 */
export async function confirmByPassword(
  ctx: Context,
  headers: Headers,
  password: string,
): Promise<IssuedTokens | Refusal> {
  const read = await readAsCaller(ctx, headers, 'confirmPassword', ({ sid }) => findToConfirm(ctx, sid), {
    oneFactor: true,
  })
  const known = isRefusal(read) ? read : await requirePassword(ctx, read, password)
  return isRefusal(known) ? known : issue(known, await confirmSession(ctx, known.confirmed))
}

/**
 * Chooses another password: (limit ∥ read) → verify → policy → hash → one batch. Every other session ends.
 * @returns tokens as `confirmByPassword`; refusals as there, and `insufficient_user_authentication`, `invalid_input`,
 * `password_compromised`
 */
export async function choosePassword(
  ctx: Context,
  headers: Headers,
  input: { current_password: string; new_password: string },
): Promise<IssuedTokens | Refusal> {
  const find = ({ sid }: { sid: string }) => findToConfirm(ctx, sid)
  const read = await readAsCaller(ctx, headers, 'changePassword', find, STEP_UP)
  const known = isRefusal(read) ? read : await requirePassword(ctx, read, input.current_password)
  if (isRefusal(known)) return known
  const { user, caller } = known
  const chosen = normalisePassword(input.new_password)
  const email = user.email as CanonicalEmail // a live account has one, and the column holds no other form
  const refused = checkPassword(chosen, { email, tenant: caller.tenant, field: '/new_password' })
  if (refused) return refused
  const chosenHash = await hashUnbreached(ctx, chosen, '/new_password')
  if (isRefusal(chosenHash)) return chosenHash
  const change = { chosen: chosenHash, account: await attemptSubject(email, null) }
  return issue(known, await changePassword(ctx, known.confirmed, change))
}

/** The caller, their password, the key that will sign and how many attempts failed, read in one trip. */
type Read = {
  caller: Caller
  user: IssuedTokens['user']
  found: Awaited<ReturnType<typeof findToConfirm>>
}

type Known = Pick<Read, 'caller' | 'user'> & { key: IssuedTokens['key']; confirmed: Confirmed }

/** Verifies the password, or counts the failure. */
async function requirePassword(
  ctx: Context,
  { caller, user, found: [row] }: Read,
  password: string,
): Promise<Known | Refusal> {
  ctx.outcome.subject = caller.userId
  const unheard = row && refuseUnheard(row.attempts)
  if (unheard) return unheard
  requireOwnKey(ctx, row?.ring, 'password')
  const key = await openCurrentKey(ctx, row?.key)
  const subject = await confirmationSubject(caller.sessionId)
  const stored = row?.password
  if (stored && (await verify(ctx, password, stored)))
    return { caller, user, key, confirmed: { caller, subject, changedAt: stored.changedAt } }
  const failure = { tenantId: caller.tenant.id, subject, userId: null, hasAccount: true }
  const { hasCounted, ...counted } = await countFailure(ctx, failure)
  return refuseWrong(hasCounted ? null : counted)
}

/** @param late the state of the attempts, where the attempt came too late to count */
const refuseWrong = (late: Attempts | null): Refusal =>
  (late && refuseUnheard(late)) ?? refuse('invalid_credentials', { evidence: { reason: 'wrong password' } })

function issue({ caller, user, key }: Known, renewed: Renewed): IssuedTokens | Refusal {
  const { session } = renewed
  if (!session)
    return (
      refuseUnheard(renewed) ??
      refuseUnless(renewed, caller) ??
      refuse('invalid_token', { evidence: { reason: 'session or password gone' } })
    )
  return renewedTokens({ caller, user, key }, session)
}
