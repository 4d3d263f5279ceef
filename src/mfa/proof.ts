/** Whether a code is right: the same for every door that asks for a second factor. */
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { open } from '../crypto/sealing.ts'
import { text } from '../http/input.ts'
import { Fault } from '../problem.ts'
import type { Factors, Proof } from './factor-store.ts'
import { findRecoveryCode, parseRecoveryCode } from './recovery-codes.ts'
import { stepOf } from './totp.ts'

/** Fields of a body: which factor, and its code. Whether a code has the right form is for the attempt to say, which counts. */
export const Answered = {
  method: v.picklist(['totp', 'recovery_code']),
  code: text(64),
}

export type Answered = { method: 'totp' | 'recovery_code'; code: string }

/** RFC 8176: an app's code and a recovery code are both one-time passwords. */
export const PROOF_AMR = ['otp', 'mfa']

/**
 * @param at the database's clock
 * @returns what the statement has to use up; null when the code is wrong, of a step that was used, or of no factor of theirs
 */
export async function prove(
  ctx: Pick<Context, 'settings'>,
  factors: Factors,
  { method, code }: Answered,
  at: Date,
): Promise<Proof | null> {
  if (method === 'recovery_code') {
    const written = parseRecoveryCode(code)
    const codeId = written && (await findRecoveryCode(ctx, written, factors.recoveryCodes))
    return codeId ? { method, codeId } : null
  }
  const { totp } = factors
  if (!totp) return null
  const step = stepOf(await openSecret(ctx, totp), code, at)
  return step !== null && step > totp.lastUsedStep ? { method, factorId: totp.id, step } : null
}

/** @throws Fault when it does not open: nothing that a caller could do */
export async function openSecret(
  { settings }: Pick<Context, 'settings'>,
  { id, sealedSecret }: { id: string; sealedSecret: string },
): Promise<Uint8Array> {
  const secret = await open(settings.authKeys, 'seal:totp', sealedSecret, id)
  if (!secret) throw new Fault('internal_error', `the secret of factor ${id} could not be decrypted`)
  return secret
}
