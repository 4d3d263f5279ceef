/**
 * POST /v1/password/change — Change the password, with the current one. Every other session ends. Needs recent
 * authentication.
 */
import * as v from 'valibot'
import { text } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { TokensAnswer, tokensResponse } from '../sessions/tokens.ts'
import { choosePassword } from './confirmation.ts'
import { MAX_PASSWORD_UNITS } from './policy.ts'

export const changePassword = operation(
  {
    id: 'changePassword',
    method: 'POST',
    path: '/v1/password/change',
    body: v.strictObject({
      current_password: text(MAX_PASSWORD_UNITS),
      new_password: text(MAX_PASSWORD_UNITS),
    }),
    answers: { 200: TokensAnswer },
    refusals: ['invalid_credentials', 'password_compromised', 'password_disabled'],
    caller: 'user',
    stepUp: true,
    budget: { redis: 1, postgres: 2, hashes: 2 },
  },
  async ({ ctx, headers, body }) => {
    const changed = await choosePassword(ctx, headers, body)
    return isRefusal(changed) ? changed : tokensResponse(ctx, changed, 'token', 200)
  },
)
