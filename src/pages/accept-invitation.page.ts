/** /link/accept-invitation — Accept an invitation. The person chooses a password and may enter their name. */
import * as v from 'valibot'
import { DisplayName, text } from '../http/input.ts'
import { TokenText } from '../one-time/one-time.ts'
import { MAX_PASSWORD_UNITS } from '../passwords/policy.ts'
import { redeemInvitation } from '../passwords/recovery.ts'
import { page } from './page.ts'
import { showDone, showLink } from './pages.ts'

export const acceptInvitationPage = page('acceptInvitationPage', {
  path: '/link/accept-invitation',
  page: 'accept_invitation',
  form: v.strictObject({
    token: TokenText,
    password: text(MAX_PASSWORD_UNITS),
    name: v.optional(DisplayName),
  }),
  limits: 'acceptInvitation',
  refusals: ['invalid_one_time_token', 'password_compromised'],
  budget: { redis: 1, postgres: 2, hashes: 1 },
  show: (c) => showLink(c, 'accept_invitation'),
  take: async (c, form) =>
    (await redeemInvitation(c.var.ctx, c.req.raw.headers, form)) ?? showDone(c, 'accept_invitation'),
})
