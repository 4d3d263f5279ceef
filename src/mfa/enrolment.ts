/** Adding, replacing and removing an authenticator app, and its recovery codes. */
import type { Context } from '../context.ts'
import { seal } from '../crypto/sealing.ts'
import { newId } from '../events/outbox.ts'
import { readAsCaller, requireCaller } from '../guard/caller.ts'
import { refuseUnless, STEP_UP } from '../guard/demands.ts'
import { requireKeys } from '../keys/auth-keys.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { refuseUnheardCode, refuseWrongCode } from './attempt.ts'
import { addPending, confirmFactor, findFactors, regenerateCodes, removeFactor } from './enrolment-store.ts'
import { openSecret } from './proof.ts'
import { qrSvg } from './qr.ts'
import { newRecoveryCodes } from './recovery-codes.ts'
import { presentSecret, SECRET_BYTES, stepOf } from './totp.ts'

/** (limit ∥ read) → one batch. What it answers is shown once; the app counts when `confirmTotp` has seen its code. */
export async function addTotp(ctx: Context, headers: Headers) {
  const read = await readAsCaller(ctx, headers, 'addTotp', ({ sid }) => findFactors(ctx, sid), STEP_UP)
  if (isRefusal(read)) return read
  const { caller, user, found } = read
  requireKeys(ctx, found[0]?.ring, 'mfa')
  if (caller.tenant.policy.second_factor === 'off') return refuse('second_factors_off')
  // Until then an account may be a stranger's, and what a stranger adds would lock its owner out.
  if (user.emailVerifiedAt === null) return refuse('email_not_verified')
  const { pending, secret } = await newPending(ctx)
  const added = await addPending(ctx, caller, pending)
  const refused = refuseUnless(added, caller)
  if (refused) return refused
  return present(pending.id, secret, caller.tenant, user)
}

/**
 * (limit ∥ read) → check → one batch. @returns the recovery codes; refusals `not_found` (no such app waits), `invalid_code`,
 * `rate_limited`, `second_factor_disabled`
 */
export async function confirmTotp(
  ctx: Context,
  headers: Headers,
  { factor_id, code }: { factor_id: string; code: string },
): Promise<string[] | Refusal> {
  const read = await readAsCaller(ctx, headers, 'confirmTotp', ({ sid }) => findFactors(ctx, sid), STEP_UP)
  if (isRefusal(read)) return read
  const { caller, found } = read
  const [row] = found
  requireKeys(ctx, row?.ring, 'mfa')
  if (!row?.pending || row.pending.id !== factor_id) return refuse('not_found')
  const unheard = refuseUnheardCode(row.attempts)
  if (unheard) return unheard
  const secret = await openSecret(ctx, row.pending)
  const step = stepOf(secret, code, row.at)
  if (step === null) return refuseWrongCode(ctx, { tenantId: caller.tenant.id, userId: caller.userId })
  const { totp } = row.factors
  const replaces = totp && {
    id: totp.id,
    sealedSecret: await seal(ctx.settings.authKeys, 'seal:totp', secret, totp.id, ctx.random),
  }
  const { codes, rows } = await newRecoveryCodes(ctx)
  const confirmed = await confirmFactor(ctx, caller, { factorId: factor_id, step, replaces, codes: rows })
  return refuseUnless(confirmed, caller) ?? (confirmed.hasChanged ? codes : refuse('not_found'))
}

/** (limit ∥ read) → one batch. @returns the new codes; refusal `no_second_factor` */
export async function replaceRecoveryCodes(ctx: Context, headers: Headers): Promise<string[] | Refusal> {
  const find = ({ sid }: { sid: string }) => findFactors(ctx, sid)
  const read = await readAsCaller(ctx, headers, 'replaceRecoveryCodes', find, STEP_UP)
  if (isRefusal(read)) return read
  requireKeys(ctx, read.found[0]?.ring, 'mfa')
  const { codes, rows } = await newRecoveryCodes(ctx)
  const replaced = await regenerateCodes(ctx, read.caller, rows)
  return refuseUnless(replaced, read.caller) ?? (replaced.hasChanged ? codes : refuse('no_second_factor'))
}

/** limit → one batch. @returns null when it is gone; refusals `not_found`, `second_factor_required` */
export async function removeTotp(ctx: Context, headers: Headers): Promise<Refusal | null> {
  const caller = await requireCaller(ctx, headers, 'removeTotp', STEP_UP)
  if (isRefusal(caller)) return caller
  const removed = await removeFactor(ctx, caller)
  const refused = refuseUnless(removed, caller)
  if (refused || removed.hasChanged) return refused
  return refuse(removed.isNeeded ? 'second_factor_required' : 'not_found')
}

/** An app that is not confirmed yet: its row, and the secret, which is shown once. */
export async function newPending(ctx: Pick<Context, 'settings' | 'now' | 'random'>) {
  const id = newId(ctx)
  const secret = ctx.random(SECRET_BYTES)
  const sealedSecret = await seal(ctx.settings.authKeys, 'seal:totp', secret, id, ctx.random)
  return { pending: { id, sealedSecret }, secret }
}

export function present(
  factorId: string,
  secret: Uint8Array,
  tenant: { name: string },
  user: { id: string; email: string | null },
) {
  const shown = presentSecret(secret, { issuer: tenant.name, account: user.email ?? user.id })
  return { factor_id: factorId, ...shown, qr_svg: qrSvg(shown.otpauth_uri) }
}
