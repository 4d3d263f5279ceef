/** /link/reset-password — Set a new password. No session begins. */
import * as v from 'valibot'
import { text } from '../http/input.ts'
import { TokenText } from '../one-time/one-time.ts'
import { MAX_PASSWORD_UNITS } from '../passwords/policy.ts'
import { redeemReset } from '../passwords/recovery.ts'
import { page } from './page.ts'
import { showDone, showLink } from './pages.ts'

export const resetPasswordPage = page('resetPasswordPage', {
  path: '/link/reset-password',
  page: 'reset_password',
  form: v.strictObject({ token: TokenText, password: text(MAX_PASSWORD_UNITS) }),
  limits: 'resetPassword',
  refusals: ['invalid_one_time_token', 'password_compromised'],
  budget: { redis: 1, postgres: 2, hashes: 1 },
  show: (c) => showLink(c, 'reset_password'),
  take: async (c, form) =>
    (await redeemReset(c.var.ctx, c.req.raw.headers, form)) ?? showDone(c, 'reset_password'),
})
