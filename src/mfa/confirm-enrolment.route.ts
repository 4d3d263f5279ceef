/**
 * POST /v1/mfa/enrol/confirm — Confirm the first code of the authenticator app and finish the sign-in. The answer has
 * tokens, and recovery codes, once.
 */
import * as v from 'valibot'
import { Transport, text } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { TokensAnswer } from '../sessions/tokens.ts'
import { signedInResponse } from '../sign-in/answer.ts'
import { confirmEnrolment as confirm } from './enrol.ts'
import { RecoveryCodesAnswer } from './recovery-codes.ts'

export const confirmEnrolment = operation(
  {
    id: 'confirmEnrolment',
    method: 'POST',
    path: '/v1/mfa/enrol/confirm',
    body: v.strictObject({
      mfa_token: text(200),
      factor_id: v.pipe(text(36), v.uuid('invalid_id')),
      code: text(64),
      transport: Transport,
    }),
    answers: { 200: v.object({ ...TokensAnswer.entries, ...RecoveryCodesAnswer.entries }) },
    answerHeaders: ['set-cookie'],
    refusals: [
      'invalid_mfa_token',
      'email_not_verified',
      'not_found',
      'invalid_code',
      'second_factor_disabled',
    ],
    caller: 'anyone',
    budget: { redis: 1, postgres: 2 },
  },
  async ({ ctx, headers, body }) => {
    const confirmed = await confirm(ctx, body)
    if (isRefusal(confirmed)) return confirmed
    const besides = { recovery_codes: confirmed.codes }
    return signedInResponse(ctx, headers, confirmed.begun, { transport: body.transport, besides })
  },
)
