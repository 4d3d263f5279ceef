/** POST /v1/password/confirm — Confirm the password again, for tokens with a fresh `auth_time` (step-up, RFC 9470). */
import * as v from 'valibot'
import { text } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { TokensAnswer, tokensResponse } from '../sessions/tokens.ts'
import { confirmByPassword } from './confirmation.ts'
import { MAX_PASSWORD_UNITS } from './policy.ts'

export const confirmPassword = operation(
  {
    id: 'confirmPassword',
    method: 'POST',
    path: '/v1/password/confirm',
    body: v.strictObject({ password: text(MAX_PASSWORD_UNITS) }),
    answers: { 200: TokensAnswer },
    refusals: ['invalid_credentials', 'password_disabled', 'insufficient_user_authentication'],
    caller: 'user',
    budget: { redis: 1, postgres: 2, hashes: 1 },
  },
  async ({ ctx, headers, body }) => {
    const confirmed = await confirmByPassword(ctx, headers, body.password)
    // The session goes on with the refresh token that it has.
    return isRefusal(confirmed) ? confirmed : tokensResponse(ctx, confirmed, 'token', 200)
  },
)
