/** /link/resend-verification — Resend the verification email. The answer is the same for every address. */
import * as v from 'valibot'
import { EmailAddress } from '../accounts/accounts.ts'
import { resendProof } from '../addresses/email.ts'
import { isRefusal } from '../problem.ts'
import { page } from './page.ts'
import { showDone, showForm } from './pages.ts'

export const resendVerificationPage = page('resendVerificationPage', {
  path: '/link/resend-verification',
  page: 'resend_verification',
  form: v.strictObject({ email: EmailAddress }),
  limits: 'resendVerification',
  refusals: [],
  budget: { redis: 1, postgres: 1 },
  show: (c) => showForm(c, 'resend_verification'),
  take: async (c, { email }) => {
    const asked = await resendProof(c.var.ctx, c.req.raw.headers, email)
    return isRefusal(asked) ? asked : showDone(c, 'resend_verification')
  },
})
