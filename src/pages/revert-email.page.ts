/** /link/revert-email — Undo a change of email, for the old address. */
import * as v from 'valibot'
import { undoChange } from '../addresses/email.ts'
import { TokenText } from '../one-time/one-time.ts'
import { page } from './page.ts'
import { showDone, showLink } from './pages.ts'

export const revertEmailPage = page('revertEmailPage', {
  path: '/link/revert-email',
  page: 'revert_email',
  form: v.strictObject({ token: TokenText }),
  limits: 'revertEmailChange',
  refusals: ['invalid_one_time_token', 'email_taken'],
  budget: { redis: 1, postgres: 1 },
  show: (c) => showLink(c, 'revert_email'),
  take: async (c, { token }) => (await undoChange(c.var.ctx, token)) ?? showDone(c, 'revert_email'),
})
