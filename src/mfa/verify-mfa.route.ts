/** POST /v1/mfa/verify — Complete a sign-in with a code of a second factor. */
import * as v from 'valibot'
import { Transport, text } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { TokensAnswer } from '../sessions/tokens.ts'
import { signedInResponse } from '../sign-in/answer.ts'
import { SecondStep } from './email-code.ts'
import { verifySecondFactor } from './verify.ts'

export const verifyMfa = operation(
  {
    id: 'verifyMfa',
    method: 'POST',
    path: '/v1/mfa/verify',
    body: v.strictObject({
      mfa_token: text(200),
      ...SecondStep.entries,
      trust_device: v.optional(v.boolean(), false),
      transport: Transport,
    }),
    answers: { 200: TokensAnswer },
    answerHeaders: ['set-cookie'],
    refusals: ['invalid_mfa_token', 'invalid_code', 'second_factor_disabled', 'trusted_devices_off'],
    caller: 'anyone',
    budget: { redis: 1, postgres: 2 },
  },
  async ({ ctx, headers, body }) => {
    const begun = await verifySecondFactor(ctx, body.mfa_token, body, { trust: body.trust_device })
    return isRefusal(begun) ? begun : signedInResponse(ctx, headers, begun, body)
  },
)
