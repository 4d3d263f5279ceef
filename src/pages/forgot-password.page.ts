/**
 * /link/forgot-password — Request a link to reset the password. /.well-known/change-password leads here. The answer is
 * the same for every address.
 */
import * as v from 'valibot'
import { EmailAddress } from '../accounts/accounts.ts'
import { forgetPassword } from '../passwords/recovery.ts'
import { isRefusal } from '../problem.ts'
import { TurnstileToken } from '../turnstile/turnstile.ts'
import { page } from './page.ts'
import { showDone, showForm } from './pages.ts'

export const forgotPasswordPage = page('forgotPasswordPage', {
  path: '/link/forgot-password',
  page: 'forgot_password',
  form: v.strictObject({ email: EmailAddress, turnstile_token: TurnstileToken }),
  limits: 'forgotPassword',
  refusals: ['turnstile_failed'],
  budget: { redis: 1, postgres: 1 },
  show: (c) => showForm(c, 'forgot_password'),
  take: async (c, form) => {
    const asked = await forgetPassword(c.var.ctx, c.req.raw.headers, form)
    return isRefusal(asked) ? asked : showDone(c, 'forgot_password')
  },
})
