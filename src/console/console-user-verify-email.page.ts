/** /console/users/{id}/verify-email — State that the address of an account is its person's. */
import * as v from 'valibot'
import { verifyUserEmail } from '../admin/verify-user-email.route.ts'
import { REASON, userActionPage } from './user-action.ts'

export const consoleUserVerifyEmailPage = userActionPage('consoleUserVerifyEmailPage', {
  verb: 'verify-email',
  does: verifyUserEmail,
  form: v.strictObject({ ...REASON, keep: v.optional(v.literal('on')) }),
  body: ({ reason, keep }) => ({
    ...(reason !== undefined && { reason }),
    credentials: keep === 'on' ? 'keep' : 'remove',
  }),
  view: async (desk, on) => (await import('./views/user-action.tsx')).proveByHand(desk, on),
})
