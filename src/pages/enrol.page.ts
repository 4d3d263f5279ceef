/** /sign-in/enrol — Add an authenticator app, where the account must have one to sign in. */
import * as v from 'valibot'
import { text } from '../http/input.ts'
import { enrolTotp } from '../mfa/enrol.ts'
import { isRefusal } from '../problem.ts'
import { showAppToEnrol } from './authenticator.ts'
import { queryOf } from './flow.ts'
import { FORM_FIELDS, hostedPage, requireFormToken, seeOther } from './hosted.ts'
import { type StepData, viewStep } from './second-step.ts'

export const enrolPage = hostedPage('enrolPage', {
  path: '/sign-in/enrol',
  form: v.strictObject({ ...FORM_FIELDS, mfa_token: text(200) }),
  limits: 'enrolTotp',
  refusals: ['invalid_mfa_token', 'email_not_verified'],
  budget: { redis: 1, postgres: 2 },
  shownBudget: { postgres: 0 },
  load: async ({ ctx, flow }): Promise<StepData | Response> => {
    const mfaToken = ctx.posted.get('mfa_token')
    if (mfaToken === undefined) return seeOther(`/sign-in${queryOf(flow)}`)
    return { mfaToken, demand: 'enrol', methods: [], mayTrust: false }
  },
  view: viewStep,
  take: async (asked) => {
    const { mfa_token } = asked.form
    const refused = await requireFormToken(asked, asked.form)
    if (refused) return refused
    const app = await enrolTotp(asked.ctx, mfa_token)
    return isRefusal(app) ? app : showAppToEnrol(asked, app, mfa_token)
  },
})
