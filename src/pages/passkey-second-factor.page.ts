/** /sign-in/second-step-passkey — Complete a sign-in with a passkey that is a second factor. */
import * as v from 'valibot'
import { verifyPasskeyStep } from '../mfa/passkey-step.ts'
import { Assertion } from '../passkeys/credential.ts'
import { credentialField } from './credential-field.ts'
import { FORM_FIELDS, hostedPage, requireFormToken } from './hosted.ts'
import { goOn } from './on.ts'
import { loadStep, STEP_FIELDS, STEP_PATH, showChallenge, viewStep } from './second-step.ts'

export const passkeySecondFactorPage = hostedPage('passkeySecondFactorPage', {
  path: '/sign-in/second-step-passkey',
  form: v.strictObject({ ...FORM_FIELDS, ...STEP_FIELDS, credential: credentialField(Assertion) }),
  limits: 'verifyMfaWithPasskey',
  refusals: ['invalid_mfa_token', 'invalid_passkey', 'trusted_devices_off', 'second_factor_required'],
  budget: { redis: 1, postgres: 2 },
  shownBudget: { postgres: 0 },
  load: loadStep,
  view: (screen, data) => viewStep({ ...screen, action: screen.to(STEP_PATH) }, data),
  take: async (asked) => {
    const { ctx, headers, form } = asked
    const refused = await requireFormToken(asked, form)
    if (refused) return refused
    const trust = form.trust_device !== undefined
    const begun = await verifyPasskeyStep(ctx, headers, form, { trust })
    return goOn(asked, begun, (challenged) => showChallenge(asked, challenged))
  },
})
