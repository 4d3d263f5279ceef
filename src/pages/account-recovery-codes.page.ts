/** /account/recovery-codes — Make new recovery codes, which take the place of the old ones. They are shown once. */
import * as v from 'valibot'
import { STEP_UP } from '../guard/demands.ts'
import { replaceRecoveryCodes } from '../mfa/enrolment.ts'
import { isRefusal } from '../problem.ts'
import { accountPage } from './account.ts'
import { showCodes } from './authenticator.ts'
import { queryOf } from './flow.ts'
import { FORM_FIELDS } from './hosted.ts'

export const accountRecoveryCodesPage = accountPage('accountRecoveryCodesPage', {
  path: '/account/recovery-codes',
  form: v.strictObject(FORM_FIELDS),
  limits: 'replaceRecoveryCodes',
  refusals: ['no_second_factor'],
  budget: { redis: 1, postgres: 3 },
  demands: STEP_UP,
  queries: () => [] as const,
  view: async (screen) => (await import('./views/authenticator.tsx')).newCodes(screen),
  take: async (asked) => {
    const codes = await replaceRecoveryCodes(asked.ctx, asked.called)
    return isRefusal(codes) ? codes : showCodes(asked, codes, `/account${queryOf(asked.flow)}`, asked.present)
  },
})
