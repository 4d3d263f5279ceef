/**
 * POST /v1/register — Create an account. With `sign-in-at-once` the answer has tokens, or is 409 when the address is
 * taken. With `verify-first` the answer is 202 and a cookie for every address; a mailed link opened in the browser with
 * that cookie keeps the password.
 */
import * as v from 'valibot'
import { EmailAddress } from '../accounts/accounts.ts'
import { DisplayName, Transport, text } from '../http/input.ts'
import { preferredLanguage } from '../http/language.ts'
import { readIdempotencyKey } from '../idempotency/idempotency.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { TokensAnswer } from '../sessions/tokens.ts'
import { ChallengeAnswer, signedInResponse } from '../sign-in/answer.ts'
import type { Begun } from '../sign-in/start.ts'
import { TurnstileToken } from '../turnstile/turnstile.ts'
import { MAX_PASSWORD_UNITS } from './policy.ts'
import { registerWithPassword } from './registration.ts'

export const register = operation(
  {
    id: 'register',
    method: 'POST',
    path: '/v1/register',
    body: v.strictObject({
      email: EmailAddress,
      password: text(MAX_PASSWORD_UNITS),
      name: v.optional(DisplayName),
      transport: Transport,
      turnstile_token: TurnstileToken,
    }),
    answers: {
      200: ChallengeAnswer,
      201: TokensAnswer,
      202: v.object({ status: v.literal('verification_sent') }),
    },
    answerHeaders: ['set-cookie'],
    refusals: ['email_taken', 'password_compromised', 'turnstile_failed', 'second_factor_required'],
    caller: 'anyone',
    idempotencyKey: true,
    budget: { redis: 1, postgres: 2, hashes: 1 },
  },
  async ({ ctx, headers, body }) => {
    const idempotencyKey = readIdempotencyKey(headers)
    if (isRefusal(idempotencyKey)) return idempotencyKey
    const input = { ...body, locale: preferredLanguage(headers) }
    const answer = (begun: Begun) =>
      signedInResponse(ctx, headers, begun, { transport: input.transport, status: 201 })
    return registerWithPassword(ctx, headers, input, { idempotencyKey, answer })
  },
)
