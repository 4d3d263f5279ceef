/** /sign-in — Sign in, with a password or by whatever else the tenant offers. */
import * as v from 'valibot'
import { EmailAddress } from '../accounts/accounts.ts'
import { text } from '../http/input.ts'
import { MAX_PASSWORD_UNITS } from '../passwords/policy.ts'
import { signInWithPassword } from '../passwords/sign-in.ts'
import { isRefusal } from '../problem.ts'
import { queryOf } from './flow.ts'
import { FORM_FIELDS, hostedPage, requireFormToken, seeOther } from './hosted.ts'
import { goOn } from './on.ts'
import { showChallenge } from './second-step.ts'
import { loadSignIn, type SignInData } from './sign-in-data.ts'

export const passwordSignInPage = hostedPage('passwordSignInPage', {
  path: '/sign-in',
  form: v.strictObject({ ...FORM_FIELDS, email: EmailAddress, password: text(MAX_PASSWORD_UNITS) }),
  limits: 'login',
  refusals: ['invalid_credentials', 'password_disabled', 'second_factor_required'],
  budget: { redis: 1, postgres: 2, hashes: 1 },
  load: async (asked) => {
    const data = await loadSignIn(asked)
    if (isRefusal(data) || asked.c.req.method === 'POST' || asked.flow.prompt === 'login') return data
    if (data.present) return seeOther(`/continue${queryOf(asked.flow)}`)
    return asked.flow.prompt === 'create' ? seeOther(`/sign-up${queryOf(asked.flow)}`) : data
  },
  view: async (screen, data: SignInData) => (await import('./views/sign-in.tsx')).signIn(screen, data),
  alerts: ({ signIn }) => ({ invalid_credentials: signIn.wrong }),
  take: async (asked) => {
    const { ctx, headers, form } = asked
    const refused = await requireFormToken(asked, form)
    if (refused) return refused
    const begun = await signInWithPassword(ctx, headers, form)
    return goOn(asked, begun, (challenged) => showChallenge(asked, challenged))
  },
})
