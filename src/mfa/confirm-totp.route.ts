/**
 * POST /v1/mfa/totp/confirm — Confirm the first code of an authenticator app, which activates it. The answer has
 * recovery codes, once. Needs recent authentication.
 */
import * as v from 'valibot'
import { text } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { confirmTotp as confirm } from './enrolment.ts'
import { RecoveryCodesAnswer } from './recovery-codes.ts'

export const confirmTotp = operation(
  {
    id: 'confirmTotp',
    method: 'POST',
    path: '/v1/mfa/totp/confirm',
    body: v.strictObject({ factor_id: v.pipe(text(36), v.uuid('invalid_id')), code: text(64) }),
    answers: { 200: RecoveryCodesAnswer },
    refusals: ['not_found', 'invalid_code', 'second_factor_disabled'],
    caller: 'user',
    stepUp: true,
    budget: { redis: 1, postgres: 2 },
  },
  async ({ ctx, headers, body }) => {
    const codes = await confirm(ctx, headers, body)
    return isRefusal(codes) ? codes : Response.json({ recovery_codes: codes })
  },
)
