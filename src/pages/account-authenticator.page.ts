/** /account/authenticator — Two-step verification: the authenticator app of the account. Its form begins to add one. */
import * as v from 'valibot'
import { STEP_UP } from '../guard/demands.ts'
import { addTotp } from '../mfa/enrolment.ts'
import { isRefusal } from '../problem.ts'
import { accountPage } from './account.ts'
import { findFactors } from './account-data.ts'
import { showAppToScan } from './authenticator.ts'
import { FORM_FIELDS } from './hosted.ts'

export const accountAuthenticatorPage = accountPage('accountAuthenticatorPage', {
  path: '/account/authenticator',
  form: v.strictObject(FORM_FIELDS),
  limits: 'addTotp',
  refusals: ['second_factors_off', 'email_not_verified'],
  budget: { redis: 1, postgres: 3 },
  demands: STEP_UP,
  queries: findFactors,
  view: async (screen, data) => (await import('./views/authenticator.tsx')).authenticator(screen, data),
  take: async (asked) => {
    const added = await addTotp(asked.ctx, asked.called)
    return isRefusal(added) ? added : showAppToScan(asked, added, asked.present)
  },
})
