/** /account/authenticator-remove — Remove the authenticator app and its recovery codes. Every other session ends. */
import * as v from 'valibot'
import { STEP_UP } from '../guard/demands.ts'
import { removeTotp } from '../mfa/enrolment.ts'
import { accountPage, doneAt } from './account.ts'
import { FORM_FIELDS } from './hosted.ts'

export const accountAuthenticatorRemovePage = accountPage('accountAuthenticatorRemovePage', {
  path: '/account/authenticator-remove',
  form: v.strictObject(FORM_FIELDS),
  limits: 'removeTotp',
  refusals: ['not_found', 'second_factor_required'],
  budget: { redis: 1, postgres: 2 },
  demands: STEP_UP,
  queries: () => [] as const,
  view: async (screen) => (await import('./views/authenticator.tsx')).remove(screen),
  take: async (asked) =>
    (await removeTotp(asked.ctx, asked.called)) ?? doneAt(asked, '/account', 'app_removed'),
})
