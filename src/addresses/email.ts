/**
 * Addresses: asking once more for the link that proves one, and changing it, which both addresses must confirm and which
 * the old one may undo for 72 hours.
 */
import { giveBack } from '../access/giving-back.ts'
import type { CanonicalEmail } from '../accounts/accounts.ts'
import type { Context } from '../context.ts'
import { newId } from '../events/outbox.ts'
import { requireCaller } from '../guard/caller.ts'
import { refuseUnless, STEP_UP } from '../guard/demands.ts'
import { checkLimits } from '../limits/check.ts'
import { newToken, readToken, refuseToken } from '../one-time/one-time.ts'
import { requestToken } from '../one-time/store.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { findKnownDevice, subjectsOf } from '../sign-in/known-device.ts'
import { requireTenant, type Tenant } from '../tenants/tenants.ts'
import { confirmChange, needsProof, requestChange } from './store.ts'

/**
 * Mails the link that proves an address once more, if an account is waiting for it: limit → one statement.
 * @returns the tenant; refusals `rate_limited`, `unknown_host`, `origin_not_allowed`
 */
export async function resendProof(
  ctx: Context,
  headers: Headers,
  email: CanonicalEmail,
): Promise<Tenant | Refusal> {
  const device = await findKnownDevice(ctx, headers, email)
  const limited = await checkLimits(ctx, 'resendVerification', subjectsOf(ctx, email, device?.nonce ?? null))
  if (limited) return limited
  const token = await newToken(ctx, 'verify_email')
  const browser = device?.nonce ?? null
  const asked = { type: 'email.verification_requested', browser, needsOne: needsProof } as const
  return requireTenant(ctx, await requestToken(ctx, email, token, asked))
}

/**
 * Asks both addresses to confirm a change: one batch. Whether the new one has an account is not said here.
 * @returns null when both are asked; refusals as `requireCaller`, `insufficient_user_authentication`, `invalid_input`
 */
export async function askForChange(
  ctx: Context,
  headers: Headers,
  email: CanonicalEmail,
): Promise<Refusal | null> {
  const caller = await requireCaller(ctx, headers, 'requestEmailChange', STEP_UP, { account: email })
  if (isRefusal(caller)) return caller
  const flowId = newId(ctx)
  const [oldToken, newOne] = await Promise.all([
    newToken(ctx, 'change_email_old', flowId),
    newToken(ctx, 'change_email_new', flowId),
  ])
  const asked = await requestChange(ctx, caller, { email, oldToken, newToken: newOne })
  const refused = refuseUnless(asked, caller)
  if (refused) return refused
  return asked.changes > 0
    ? null
    : refuse('invalid_input', { errors: [{ pointer: '/email', code: 'unchanged' }] })
}

/**
 * Takes the confirmation of one of the two addresses: limit → one batch.
 * @returns `waiting` for the other one, or `changed`; refusals `invalid_one_time_token`, `email_taken`, `rate_limited`,
 * `unknown_host`, `origin_not_allowed`
 */
export async function takeConfirmation(
  ctx: Context,
  presented: string,
): Promise<'waiting' | 'changed' | Refusal> {
  const hash = await readToken(presented)
  if (isRefusal(hash)) return hash
  const limited = await checkLimits(ctx, 'confirmEmailChange')
  if (limited) return limited
  const written = await confirmChange(ctx, hash, await newToken(ctx, 'revert_email'))
  if (written === 'email_taken') return refuse('email_taken')
  const tenant = requireTenant(ctx, written.tenant)
  if (isRefusal(tenant)) return tenant
  if (written.changes === null) return refuseToken('not alive')
  return written.changes > 0 ? 'changed' : 'waiting'
}

/**
 * Undoes a change of address by the link that its old address was mailed.
 * @returns null when it is undone; refusals as `giveBack`, `rate_limited`
 */
export const undoChange = (ctx: Context, presented: string): Promise<Refusal | null> =>
  giveBack(ctx, presented, 'revert_email', () => checkLimits(ctx, 'revertEmailChange'))
