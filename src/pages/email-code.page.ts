/** /sign-in/code — Request a code that signs in, by email. The answer is the same for every address. */
import * as v from 'valibot'
import { EmailAddress } from '../accounts/accounts.ts'
import { requestSignIn } from '../addresses/sign-in.ts'
import { challengeCookie } from '../http/cookies.ts'
import { PURPOSES } from '../one-time/purposes.ts'
import { isRefusal } from '../problem.ts'
import { TurnstileToken } from '../turnstile/turnstile.ts'
import { showCodeField } from './code-field.ts'
import { FORM_FIELDS, hostedPage, requireFormToken } from './hosted.ts'
import { loadSignIn } from './sign-in-data.ts'

export const emailCodePage = hostedPage('emailCodePage', {
  path: '/sign-in/code',
  form: v.strictObject({ ...FORM_FIELDS, email: EmailAddress, turnstile_token: TurnstileToken }),
  limits: 'requestSignInCode',
  refusals: ['turnstile_failed'],
  budget: { redis: 1, postgres: 1 },
  load: loadSignIn,
  view: async (screen) => (await import('./views/email-code.tsx')).askForCode(screen),
  take: async (asked) => {
    const { ctx, headers, form } = asked
    const refused = await requireFormToken(asked, form)
    if (refused) return refused
    const nonce = await requestSignIn(ctx, headers, form)
    if (isRefusal(nonce)) return nonce
    const shown = await showCodeField(asked, form.email)
    shown.headers.append('set-cookie', challengeCookie(nonce, PURPOSES.sign_in.seconds))
    return shown
  },
})
