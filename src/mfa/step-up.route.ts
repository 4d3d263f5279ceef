/**
 * POST /v1/mfa/step-up — Authenticate again with a second factor, for tokens with a fresh `auth_time` and `acr` (RFC
 * 9470).
 */
import * as v from 'valibot'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { TokensAnswer, tokensResponse } from '../sessions/tokens.ts'
import { Answered } from './proof.ts'
import { stepUpWithFactor } from './step-up.ts'

export const stepUp = operation(
  {
    id: 'stepUp',
    method: 'POST',
    path: '/v1/mfa/step-up',
    body: v.strictObject(Answered),
    answers: { 200: TokensAnswer },
    refusals: ['no_second_factor', 'invalid_code', 'second_factor_disabled'],
    caller: 'user',
    budget: { redis: 1, postgres: 2 },
  },
  async ({ ctx, headers, body }) => {
    const steppedUp = await stepUpWithFactor(ctx, headers, body)
    // The session goes on with the refresh token that it has.
    return isRefusal(steppedUp) ? steppedUp : tokensResponse(ctx, steppedUp, 'token', 200)
  },
)
