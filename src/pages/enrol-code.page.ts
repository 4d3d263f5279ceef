/** /sign-in/enrol-code — Confirm that app with its first code, and be signed in. The answer shows the recovery codes, once. */
import * as v from 'valibot'
import { text } from '../http/input.ts'
import { confirmEnrolment } from '../mfa/enrol.ts'
import { isRefusal } from '../problem.ts'
import { signedInCookies } from '../sign-in/answer.ts'
import { showCodes } from './authenticator.ts'
import { queryOf } from './flow.ts'
import { FORM_FIELDS, hostedPage, requireFormToken, seeOther } from './hosted.ts'
import { showChallenge } from './second-step.ts'

type EnrolData = { mfaToken: string; factorId: string }

export const enrolCodePage = hostedPage('enrolCodePage', {
  path: '/sign-in/enrol-code',
  form: v.strictObject({ ...FORM_FIELDS, mfa_token: text(200), factor_id: text(64), code: text(64) }),
  limits: 'confirmEnrolment',
  refusals: [
    'invalid_mfa_token',
    'email_not_verified',
    'not_found',
    'invalid_code',
    'second_factor_disabled',
  ],
  budget: { redis: 1, postgres: 2 },
  shownBudget: { postgres: 0 },
  load: async ({ ctx, flow }): Promise<EnrolData | Response> => {
    const [mfaToken, factorId] = [ctx.posted.get('mfa_token'), ctx.posted.get('factor_id')]
    if (mfaToken === undefined || factorId === undefined) return seeOther(`/sign-in${queryOf(flow)}`)
    return { mfaToken, factorId }
  },
  view: async (screen, { mfaToken }) =>
    (await import('./views/authenticator.tsx')).scan(screen, { app: null, hidden: { mfa_token: mfaToken } }),
  take: async (asked) => {
    const { ctx, headers, flow, form } = asked
    const refused = await requireFormToken(asked, form)
    if (refused) return refused
    const { mfa_token, factor_id, code } = form
    const confirmed = await confirmEnrolment(ctx, { mfa_token, factor_id, code: code.trim() })
    if (isRefusal(confirmed)) return confirmed
    const { begun, codes } = confirmed
    if (begun.state === 'challenged') return showChallenge(asked, begun)
    const shown = await showCodes(asked, codes, `/continue${queryOf(flow)}`, null)
    for (const cookie of await signedInCookies(ctx, headers, begun))
      shown.headers.append('set-cookie', cookie)
    return shown
  },
})
