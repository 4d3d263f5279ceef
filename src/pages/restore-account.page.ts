/** /link/restore-account — Restore a closed account. */
import * as v from 'valibot'
import { restoreByToken } from '../me/closing.ts'
import { TokenText } from '../one-time/one-time.ts'
import { page } from './page.ts'
import { showDone, showLink } from './pages.ts'

export const restoreAccountPage = page('restoreAccountPage', {
  path: '/link/restore-account',
  page: 'restore_account',
  form: v.strictObject({ token: TokenText }),
  limits: 'restoreMe',
  refusals: ['invalid_one_time_token', 'email_taken'],
  budget: { redis: 1, postgres: 1 },
  show: (c) => showLink(c, 'restore_account'),
  take: async (c, { token }) => (await restoreByToken(c.var.ctx, token)) ?? showDone(c, 'restore_account'),
})
