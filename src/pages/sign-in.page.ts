/**
 * /link/sign-in — Sign in, in the browser that requested the link. The refresh token is only in a cookie. Where the account has
 * a second factor, or has to add one, the page of that comes next, as after every other first step.
 */
import * as v from 'valibot'
import { redeemLink } from '../addresses/sign-in.ts'
import { readChallengeCookie } from '../http/cookies.ts'
import { TokenText } from '../one-time/one-time.ts'
import { isRefusal } from '../problem.ts'
import { signedInCookies } from '../sign-in/answer.ts'
import { page } from './page.ts'
import { showDone, showLink } from './pages.ts'
import { showChallenge } from './second-step.ts'

export const signInPage = page('signInPage', {
  path: '/link/sign-in',
  page: 'sign_in',
  form: v.strictObject({ token: TokenText }),
  limits: 'verifySignInLink',
  refusals: ['invalid_one_time_token', 'second_factor_required'],
  budget: { redis: 1, postgres: 2 },
  setsCookie: true,
  show: (c) => showLink(c, 'sign_in'),
  take: async (c, { token }) => {
    const { ctx } = c.var
    const { headers } = c.req.raw
    const passed = await redeemLink(ctx, { token, nonce: readChallengeCookie(headers) })
    if (isRefusal(passed)) return passed
    if (passed.state === 'challenged') return showChallenge({ c, ctx, headers, flow: {} }, passed)
    const done = await showDone(c, 'sign_in')
    for (const cookie of await signedInCookies(ctx, headers, passed))
      done.headers.append('set-cookie', cookie)
    return done
  },
})
