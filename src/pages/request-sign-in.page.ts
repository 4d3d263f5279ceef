/** /link/request-sign-in — Request a link that signs in this browser. The answer is the same for every address. */
import * as v from 'valibot'
import { EmailAddress } from '../accounts/accounts.ts'
import { requestSignIn } from '../addresses/sign-in.ts'
import { challengeCookie } from '../http/cookies.ts'
import { PURPOSES } from '../one-time/purposes.ts'
import { isRefusal } from '../problem.ts'
import { TurnstileToken } from '../turnstile/turnstile.ts'
import { page } from './page.ts'
import { showDone, showForm } from './pages.ts'

export const requestSignInPage = page('requestSignInPage', {
  path: '/link/request-sign-in',
  page: 'request_sign_in',
  form: v.strictObject({ email: EmailAddress, turnstile_token: TurnstileToken }),
  limits: 'requestSignInCode',
  refusals: ['turnstile_failed'],
  budget: { redis: 1, postgres: 1 },
  setsCookie: true,
  show: (c) => showForm(c, 'request_sign_in'),
  take: async (c, form) => {
    const nonce = await requestSignIn(c.var.ctx, c.req.raw.headers, form)
    if (isRefusal(nonce)) return nonce
    const done = await showDone(c, 'request_sign_in')
    done.headers.append('set-cookie', challengeCookie(nonce, PURPOSES.sign_in.seconds))
    return done
  },
})
