/** /sign-up — Create an account with a password. Where the tenant wants the address proved first, the answer is the same for every address. */
import * as v from 'valibot'
import { EmailAddress } from '../accounts/accounts.ts'
import { DisplayName, text } from '../http/input.ts'
import { preferredLanguage } from '../http/language.ts'
import { MAX_PASSWORD_UNITS } from '../passwords/policy.ts'
import { registerWithPassword } from '../passwords/registration.ts'
import { isRefusal } from '../problem.ts'
import type { Begun } from '../sign-in/start.ts'
import { TurnstileToken } from '../turnstile/turnstile.ts'
import { FORM_FIELDS, hostedPage, requireFormToken } from './hosted.ts'
import { showMessage } from './message.ts'
import { goOn } from './on.ts'
import { showChallenge } from './second-step.ts'
import { loadSignIn, type SignInData } from './sign-in-data.ts'

export const signUpPage = hostedPage('signUpPage', {
  path: '/sign-up',
  form: v.strictObject({
    ...FORM_FIELDS,
    email: EmailAddress,
    password: text(MAX_PASSWORD_UNITS),
    name: v.optional(DisplayName),
    turnstile_token: TurnstileToken,
  }),
  limits: 'register',
  refusals: ['email_taken', 'password_compromised', 'turnstile_failed', 'second_factor_required'],
  budget: { redis: 1, postgres: 2, hashes: 1 },
  load: loadSignIn,
  view: async (screen, data: SignInData) => (await import('./views/sign-in.tsx')).signUp(screen, data),
  take: async (asked) => {
    const { ctx, headers, form } = asked
    const refused = await requireFormToken(asked, form)
    if (refused) return refused
    const { form_token: _, ...given } = form
    const input = { ...given, locale: preferredLanguage(headers), transport: 'cookie' }
    let begun: Begun | null = null
    // The session begins after this, with the account: only then is there anything to go on with.
    const answer = async (beginning: Begun) => {
      begun = beginning
      return new Response()
    }
    const registered = await registerWithPassword(ctx, headers, input, { idempotencyKey: null, answer })
    if (isRefusal(registered)) return registered
    if (begun !== null) return goOn(asked, begun, (challenged) => showChallenge(asked, challenged))
    return showMessage(asked, ({ signUp }) => signUp.sent, { cookies: registered.headers.getSetCookie() })
  },
})
