/** /account/password — Change the password. Every other session ends. */
import * as v from 'valibot'
import { STEP_UP } from '../guard/demands.ts'
import { text } from '../http/input.ts'
import { choosePassword } from '../passwords/confirmation.ts'
import { MAX_PASSWORD_UNITS } from '../passwords/policy.ts'
import { isRefusal } from '../problem.ts'
import { accountPage, doneAt } from './account.ts'
import { FORM_FIELDS } from './hosted.ts'

export const accountPasswordPage = accountPage('accountPasswordPage', {
  path: '/account/password',
  form: v.strictObject({
    ...FORM_FIELDS,
    current_password: text(MAX_PASSWORD_UNITS),
    new_password: text(MAX_PASSWORD_UNITS),
    email: v.optional(text(320)),
  }),
  limits: 'changePassword',
  refusals: ['invalid_credentials', 'password_compromised', 'password_disabled'],
  budget: { redis: 1, postgres: 3, hashes: 2 },
  demands: STEP_UP,
  queries: () => [] as const,
  view: async (screen, { present }) => (await import('./views/account-forms.tsx')).password(screen, present),
  take: async (asked) => {
    const { current_password, new_password } = asked.form
    const changed = await choosePassword(asked.ctx, asked.called, { current_password, new_password })
    return isRefusal(changed) ? changed : doneAt(asked, '/account', 'password')
  },
})
