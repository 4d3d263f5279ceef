/** /link/change-email — Confirm a change of email, for one of its two addresses. */
import * as v from 'valibot'
import { takeConfirmation } from '../addresses/email.ts'
import { TokenText } from '../one-time/one-time.ts'
import { isRefusal } from '../problem.ts'
import { page } from './page.ts'
import { showDone, showLink } from './pages.ts'

export const changeEmailPage = page('changeEmailPage', {
  path: '/link/change-email',
  page: 'change_email',
  form: v.strictObject({ token: TokenText }),
  limits: 'confirmEmailChange',
  refusals: ['invalid_one_time_token', 'email_taken'],
  budget: { redis: 1, postgres: 1 },
  show: (c) => showLink(c, 'change_email'),
  take: async (c, { token }) => {
    const confirmed = await takeConfirmation(c.var.ctx, token)
    if (isRefusal(confirmed)) return confirmed
    return showDone(c, 'change_email', confirmed === 'changed' ? null : 'waiting')
  },
})
