/**
 * /sign-in/second-step — Complete a sign-in with a code of a second factor. It is shown by the page of the first step, because
 * the token of that step is in no address.
 */
import * as v from 'valibot'
import { text } from '../http/input.ts'
import { queryOf } from './flow.ts'
import { FORM_FIELDS, hostedPage, requireFormToken, seeOther } from './hosted.ts'
import { goOn } from './on.ts'
import { methodsIn, STEP_PATH, type StepData, showChallenge, verifyCode, viewStep } from './second-step.ts'

export const secondFactorPage = hostedPage('secondFactorPage', {
  path: STEP_PATH,
  form: v.strictObject({
    ...FORM_FIELDS,
    mfa_token: text(200),
    code: v.optional(text(64)),
    methods: v.optional(text(100)),
  }),
  limits: 'verifyMfa',
  refusals: ['invalid_mfa_token', 'invalid_code', 'second_factor_disabled', 'second_factor_required'],
  budget: { redis: 1, postgres: 2 },
  shownBudget: { postgres: 0 },
  load: async ({ ctx, flow }): Promise<StepData | Response> => {
    const mfaToken = ctx.posted.get('mfa_token')
    return mfaToken === undefined
      ? seeOther(`/sign-in${queryOf(flow)}`)
      : { mfaToken, demand: 'verify', methods: methodsIn(ctx.posted.get('methods')) }
  },
  view: viewStep,
  take: async (asked) => {
    const refused = await requireFormToken(asked, asked.form)
    if (refused) return refused
    const { mfa_token: mfaToken, code } = asked.form
    const methods = methodsIn(asked.form.methods)
    // From a provider: the page itself is asked for.
    if (code === undefined) return showChallenge(asked, { mfaToken, demand: 'verify', methods })
    const begun = await verifyCode(asked.ctx, { mfaToken, methods }, code, 'pages')
    return goOn(asked, begun, (challenged) => showChallenge(asked, challenged))
  },
})
