/**
 * /link/sign-in — Sign in, in the browser that requested the link. The refresh token is only in a cookie. Where the
 * account has a second factor, the same path takes its code.
 */
import * as v from 'valibot'
import { redeemLink } from '../addresses/sign-in.ts'
import type { Context } from '../context.ts'
import { readChallengeCookie } from '../http/cookies.ts'
import { text } from '../http/input.ts'
import { TokenText } from '../one-time/one-time.ts'
import { isRefusal } from '../problem.ts'
import { signedInCookies } from '../sign-in/answer.ts'
import { page } from './page.ts'
import { showDone, showLink, showSecondStep } from './pages.ts'
import { verifyCode } from './second-step.ts'

/** Of the link; or of the second step, with a code. */
const Form = v.strictObject({
  token: v.optional(TokenText, ''),
  mfa_token: v.optional(text(200)),
  code: v.optional(text(64), ''),
})

function passStep(
  ctx: Context,
  headers: Headers,
  { token, mfa_token, code: typed }: v.InferOutput<typeof Form>,
) {
  if (mfa_token === undefined) return redeemLink(ctx, { token, nonce: readChallengeCookie(headers) })
  // After a link by email no code is mailed.
  return verifyCode(ctx, { mfaToken: mfa_token, methods: [] }, typed, { worker: 'email' })
}

export const signInPage = page('signInPage', {
  path: '/link/sign-in',
  page: 'sign_in',
  form: Form,
  limits: 'verifySignInLink',
  refusals: [
    'invalid_one_time_token',
    'invalid_mfa_token',
    'invalid_code',
    'second_factor_disabled',
    'second_factor_required',
  ],
  budget: { redis: 1, postgres: 2 },
  setsCookie: true,
  show: (c) => showLink(c, 'sign_in'),
  take: async (c, form) => {
    const { ctx } = c.var
    const { headers } = c.req.raw
    const passed = await passStep(ctx, headers, form)
    if (isRefusal(passed)) return passed
    if (passed.state === 'challenged') return showSecondStep(c, passed)
    const done = await showDone(c, 'sign_in')
    for (const cookie of await signedInCookies(ctx, headers, passed))
      done.headers.append('set-cookie', cookie)
    return done
  },
})
