/** POST /v1/email/link/verify — Sign in with a mailed link, in the browser that requested it. */
import * as v from 'valibot'
import { readChallengeCookie } from '../http/cookies.ts'
import { Transport } from '../http/input.ts'
import { requireBrowserOrigin } from '../http/origin.ts'
import { TokenText } from '../one-time/one-time.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { SignInAnswer, signedInResponse } from '../sign-in/answer.ts'
import { redeemLink } from './sign-in.ts'

export const verifySignInLink = operation(
  {
    id: 'verifySignInLink',
    method: 'POST',
    path: '/v1/email/link/verify',
    body: v.strictObject({ token: TokenText, transport: Transport }),
    answers: { 200: SignInAnswer },
    answerHeaders: ['set-cookie'],
    refusals: ['invalid_one_time_token', 'second_factor_required'],
    caller: 'anyone',
    budget: { redis: 1, postgres: 2 },
  },
  async ({ ctx, headers, body: { token, transport } }) => {
    const nonce = readChallengeCookie(headers)
    // A browser sends the cookie with every page's request, so a page must show that it may.
    const refused = nonce === null ? null : requireBrowserOrigin(ctx)
    if (refused) return refused
    const signedIn = await redeemLink(ctx, { token, nonce })
    return isRefusal(signedIn) ? signedIn : signedInResponse(ctx, headers, signedIn, { transport })
  },
)
