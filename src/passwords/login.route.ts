/** POST /v1/login — Sign in with email and password. */
import * as v from 'valibot'
import { EmailAddress } from '../accounts/accounts.ts'
import { Transport, text } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { SignInAnswer, signedInResponse } from '../sign-in/answer.ts'
import { MAX_PASSWORD_UNITS } from './policy.ts'
import { signInWithPassword } from './sign-in.ts'

export const login = operation(
  {
    id: 'login',
    method: 'POST',
    path: '/v1/login',
    body: v.strictObject({
      email: EmailAddress,
      password: text(MAX_PASSWORD_UNITS),
      transport: Transport,
    }),
    answers: { 200: SignInAnswer },
    answerHeaders: ['set-cookie'],
    refusals: ['invalid_credentials', 'password_disabled', 'second_factor_required'],
    caller: 'anyone',
    budget: { redis: 1, postgres: 2, hashes: 1 },
  },
  async ({ ctx, headers, body }) => {
    const signedIn = await signInWithPassword(ctx, headers, body)
    return isRefusal(signedIn) ? signedIn : signedInResponse(ctx, headers, signedIn, body)
  },
)
