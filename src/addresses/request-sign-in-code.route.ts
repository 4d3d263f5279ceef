/**
 * POST /v1/email/code — Request a sign-in code by email. The email has a code and a link. Answers 202 and sets a cookie
 * for every address.
 */
import * as v from 'valibot'
import { EmailAddress } from '../accounts/accounts.ts'
import { challengeCookie } from '../http/cookies.ts'
import { PURPOSES } from '../one-time/purposes.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { TurnstileToken } from '../turnstile/turnstile.ts'
import { requestSignIn } from './sign-in.ts'

export const requestSignInCode = operation(
  {
    id: 'requestSignInCode',
    method: 'POST',
    path: '/v1/email/code',
    body: v.strictObject({ email: EmailAddress, turnstile_token: TurnstileToken }),
    answers: { 202: v.object({ status: v.literal('code_sent'), expires_in: v.number() }) },
    answerHeaders: ['set-cookie'],
    refusals: ['turnstile_failed'],
    caller: 'anyone',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, body }) => {
    const nonce = await requestSignIn(ctx, headers, body)
    if (isRefusal(nonce)) return nonce
    const { seconds } = PURPOSES.sign_in
    return Response.json(
      { status: 'code_sent', expires_in: seconds },
      { status: 202, headers: { 'set-cookie': challengeCookie(nonce, seconds) } },
    )
  },
)
