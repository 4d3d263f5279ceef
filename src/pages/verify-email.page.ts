/**
 * /link/verify-email — Verify an email address. In the browser that registered, the button keeps everything. In another
 * browser the page asks for the password or a new one, so that a button never costs a password.
 */
import * as v from 'valibot'
import { text } from '../http/input.ts'
import { TokenText } from '../one-time/one-time.ts'
import { MAX_PASSWORD_UNITS } from '../passwords/policy.ts'
import { proveEmail } from '../passwords/recovery.ts'
import { hasRegistered } from '../passwords/registering-browser.ts'
import { isRefusal } from '../problem.ts'
import { page } from './page.ts'
import { showDone, showProof } from './pages.ts'

export const verifyEmailPage = page('verifyEmailPage', {
  path: '/link/verify-email',
  page: 'verify_email',
  form: v.strictObject({
    token: TokenText,
    password: v.optional(text(MAX_PASSWORD_UNITS)),
    new_password: v.optional(text(MAX_PASSWORD_UNITS)),
  }),
  limits: 'verifyEmail',
  refusals: ['invalid_one_time_token', 'invalid_credentials', 'password_compromised'],
  budget: { redis: 1, postgres: 2, hashes: 1 },
  show: (c) =>
    showProof(
      c,
      ({ isProved, hasPassword, userId }) =>
        isProved || !hasPassword || hasRegistered(c.var.ctx, c.req.raw.headers, userId),
    ),
  take: async (c, form) => {
    const proved = await proveEmail(c.var.ctx, c.req.raw.headers, form, { mayRemove: false })
    if (isRefusal(proved)) return proved
    return showDone(c, 'verify_email', proved === 'none' ? 'without_password' : null)
  },
})
