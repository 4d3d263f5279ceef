/** /account/email — Change the email address. The old and the new address must both confirm. */
import * as v from 'valibot'
import { EmailAddress } from '../accounts/accounts.ts'
import { askForChange } from '../addresses/email.ts'
import { STEP_UP } from '../guard/demands.ts'
import { accountPage, doneAt } from './account.ts'
import { FORM_FIELDS } from './hosted.ts'

export const accountEmailPage = accountPage('accountEmailPage', {
  path: '/account/email',
  form: v.strictObject({ ...FORM_FIELDS, email: EmailAddress }),
  limits: 'requestEmailChange',
  refusals: [],
  budget: { redis: 1, postgres: 2 },
  demands: STEP_UP,
  queries: () => [] as const,
  view: async (screen, { present }) =>
    (await import('./views/account-forms.tsx')).email(screen, present.user),
  take: async (asked) =>
    (await askForChange(asked.ctx, asked.called, asked.form.email)) ?? doneAt(asked, '/account', 'email'),
})
