/** /account/close — Close the account. Until its data is erased, a mailed link restores it. */
import * as v from 'valibot'
import { STEP_UP } from '../guard/demands.ts'
import { expiredRefreshCookie } from '../http/cookies.ts'
import { closeSelf } from '../me/closing.ts'
import { accountPage } from './account.ts'
import { FORM_FIELDS } from './hosted.ts'
import { showMessage } from './message.ts'

export const accountClosePage = accountPage('accountClosePage', {
  path: '/account/close',
  form: v.strictObject(FORM_FIELDS),
  limits: 'deleteMe',
  refusals: ['last_administrator'],
  budget: { redis: 1, postgres: 2 },
  demands: STEP_UP,
  queries: () => [] as const,
  view: async (screen, { present }) =>
    (await import('./views/account-forms.tsx')).close(screen, present.tenant.policy.erasure_days),
  take: async (asked) =>
    (await closeSelf(asked.ctx, asked.called)) ??
    showMessage(asked, ({ account }) => account.close.done, { cookies: [expiredRefreshCookie()] }),
})
