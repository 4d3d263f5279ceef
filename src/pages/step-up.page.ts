/** /step-up — Confirm that it is you, with the password, before something that needs it; then back to where you were. */
import * as v from 'valibot'
import { text } from '../http/input.ts'
import { confirmByPassword } from '../passwords/confirmation.ts'
import { MAX_PASSWORD_UNITS } from '../passwords/policy.ts'
import { isRefusal } from '../problem.ts'
import { accountPage, backFromStepUp } from './account.ts'
import { findStepUp, type StepUpData } from './account-data.ts'
import { FORM_FIELDS } from './hosted.ts'

export const stepUpPage = accountPage('stepUpPage', {
  path: '/step-up',
  form: v.strictObject({ ...FORM_FIELDS, password: text(MAX_PASSWORD_UNITS), email: v.optional(text(320)) }),
  limits: 'confirmPassword',
  refusals: ['invalid_credentials', 'password_disabled', 'insufficient_user_authentication'],
  budget: { redis: 1, postgres: 3, hashes: 1 },
  queries: findStepUp,
  view: async (screen, data: StepUpData) => (await import('./views/step-up.tsx')).stepUp(screen, data),
  take: async (asked) => {
    const confirmed = await confirmByPassword(asked.ctx, asked.called, asked.form.password)
    return isRefusal(confirmed) ? confirmed : backFromStepUp(asked)
  },
})
