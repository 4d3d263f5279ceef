/** /sign-in/second-step-passkey — Complete a sign-in with a passkey that is a second factor. */
import * as v from 'valibot'
import { text } from '../http/input.ts'
import { verifyPasskeyStep } from '../mfa/passkey-step.ts'
import { Assertion } from '../passkeys/credential.ts'
import { credentialField } from './credential-field.ts'
import { queryOf } from './flow.ts'
import { FORM_FIELDS, hostedPage, requireFormToken, seeOther } from './hosted.ts'
import { goOn } from './on.ts'
import { methodsIn, STEP_PATH, type StepData, showChallenge, viewStep } from './second-step.ts'

export const passkeySecondFactorPage = hostedPage('passkeySecondFactorPage', {
  path: '/sign-in/second-step-passkey',
  form: v.strictObject({
    ...FORM_FIELDS,
    mfa_token: text(200),
    methods: v.optional(text(100)),
    credential: credentialField(Assertion),
  }),
  limits: 'verifyMfaWithPasskey',
  refusals: ['invalid_mfa_token', 'invalid_passkey', 'second_factor_required'],
  budget: { redis: 1, postgres: 2 },
  shownBudget: { postgres: 0 },
  load: async ({ ctx, flow }): Promise<StepData | Response> => {
    const mfaToken = ctx.posted.get('mfa_token')
    if (mfaToken === undefined) return seeOther(`/sign-in${queryOf(flow)}`)
    return { mfaToken, demand: 'verify', methods: methodsIn(ctx.posted.get('methods')) }
  },
  view: (screen, data) => viewStep({ ...screen, action: screen.to(STEP_PATH) }, data),
  take: async (asked) => {
    const { ctx, headers, form } = asked
    const refused = await requireFormToken(asked, form)
    if (refused) return refused
    const { mfa_token, credential } = form
    const begun = await verifyPasskeyStep(ctx, headers, { mfa_token, credential })
    return goOn(asked, begun, (challenged) => showChallenge(asked, challenged))
  },
})
