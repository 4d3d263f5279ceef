/** POST /v1/mfa/verify — the second step of a sign-in: a code of the account's second factor for tokens. */
import * as v from 'valibot'
import { Transport, text } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { TokensAnswer } from '../sessions/tokens.ts'
import { signedInResponse } from '../sign-in/answer.ts'
import { Answered } from './proof.ts'
import { verifySecondFactor } from './verify.ts'

export const verifyMfa = operation(
  {
    id: 'verifyMfa',
    method: 'POST',
    path: '/v1/mfa/verify',
    body: v.strictObject({ mfa_token: text(200), ...Answered, transport: Transport }),
    answers: { 200: TokensAnswer },
    answerHeaders: ['set-cookie'],
    refusals: ['invalid_mfa_token', 'invalid_code', 'second_factor_disabled'],
    caller: 'anyone',
    budget: { redis: 1, postgres: 2 },
  },
  async ({ ctx, headers, body }) => {
    const begun = await verifySecondFactor(ctx, body.mfa_token, body)
    return isRefusal(begun) ? begun : signedInResponse(ctx, headers, begun, body)
  },
)
