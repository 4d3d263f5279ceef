/**
 * /sign-in/second-step — Complete a sign-in with a code of a second factor. It is shown by the page of the first step, because
 * the token of that step is in no address.
 */
import * as v from 'valibot'
import { text } from '../http/input.ts'
import { checkLimits } from '../limits/check.ts'
import { isRefusal, type Refusal } from '../problem.ts'
import { findTenantOfHost } from '../tenants/store.ts'
import { requireTenant } from '../tenants/tenants.ts'
import { type Asked, FORM_FIELDS, hostedPage, requireFormToken } from './hosted.ts'
import { goOn } from './on.ts'
import {
  loadStep,
  methodsIn,
  STEP_FIELDS,
  STEP_PATH,
  type Step,
  showChallenge,
  verifyCode,
  viewStep,
} from './second-step.ts'

export const secondFactorPage = hostedPage('secondFactorPage', {
  path: STEP_PATH,
  form: v.strictObject({
    ...FORM_FIELDS,
    ...STEP_FIELDS,
    code: v.optional(text(64)),
    /** What a provider's callback said in the fragment. */
    status: v.optional(v.picklist(['mfa_required', 'mfa_enrolment_required'])),
  }),
  limits: 'verifyMfa',
  refusals: [
    'invalid_mfa_token',
    'invalid_code',
    'second_factor_disabled',
    'trusted_devices_off',
    'second_factor_required',
  ],
  budget: { redis: 1, postgres: 2 },
  shownBudget: { postgres: 0 },
  load: loadStep,
  view: viewStep,
  take: async (asked) => {
    const refused = await requireFormToken(asked, asked.form)
    if (refused) return refused
    const { mfa_token: mfaToken, code, trust_device, status } = asked.form
    const methods = methodsIn(asked.form.methods)
    if (code === undefined)
      return showArrived(asked, {
        mfaToken,
        demand: status === 'mfa_enrolment_required' ? 'enrol' : 'verify',
        methods,
      })
    const trust = trust_device !== undefined
    const begun = await verifyCode(asked.ctx, { mfaToken, methods }, code, { trust })
    return goOn(asked, begun, (challenged) => showChallenge(asked, challenged))
  },
})

/** From a provider: the page itself is asked for, and knows nothing of its tenant yet. */
async function showArrived(asked: Asked, step: Step): Promise<Response | Refusal> {
  const limited = await checkLimits(asked.ctx, 'hostedPage')
  if (limited) return limited
  const [row] = await findTenantOfHost(asked.ctx)
  const tenant = requireTenant(asked.ctx, row)
  return isRefusal(tenant) ? tenant : showChallenge(asked, step)
}
