/** /sign-in/passkey — Sign in with the signature of a passkey, which the page of /sign-in asks the browser for. */
import * as v from 'valibot'
import { Assertion } from '../passkeys/credential.ts'
import { signInWithPasskey } from '../passkeys/sign-in.ts'
import { isRefusal } from '../problem.ts'
import { credentialField } from './credential-field.ts'
import { queryOf } from './flow.ts'
import { FORM_FIELDS, hostedPage, requireFormToken, seeOther } from './hosted.ts'
import { goOn } from './on.ts'
import { showChallenge } from './second-step.ts'
import { loadSignIn, type SignInData } from './sign-in-data.ts'

export const passkeySignInPage = hostedPage('passkeySignInPage', {
  path: '/sign-in/passkey',
  form: v.strictObject({ ...FORM_FIELDS, credential: credentialField(Assertion) }),
  limits: 'finishPasskeySignIn',
  refusals: ['invalid_passkey', 'second_factor_required'],
  budget: { redis: 1, postgres: 2 },
  shownBudget: { postgres: 0 },
  load: async (asked) =>
    asked.c.req.method === 'GET' ? seeOther(`/sign-in${queryOf(asked.flow)}`) : loadSignIn(asked),
  view: async (screen, data: SignInData) =>
    (await import('./views/sign-in.tsx')).signIn({ ...screen, action: screen.to('/sign-in') }, data),
  take: async (asked) => {
    const refused = await requireFormToken(asked, asked.form)
    if (refused) return refused
    const begun = await signInWithPasskey(asked.ctx, asked.headers, asked.form.credential)
    if (isRefusal(begun)) return begun
    return goOn(asked, begun, (challenged) => showChallenge(asked, challenged))
  },
})
