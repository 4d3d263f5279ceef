/** POST /v1/email/resend — Resend the verification email. Answers 202 for every address. */
import * as v from 'valibot'
import { EmailAddress } from '../accounts/accounts.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { resendProof } from './email.ts'

export const resendVerification = operation(
  {
    id: 'resendVerification',
    method: 'POST',
    path: '/v1/email/resend',
    body: v.strictObject({ email: EmailAddress }),
    answers: { 202: v.object({ status: v.literal('verification_sent') }) },
    refusals: [],
    caller: 'anyone',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, body }) => {
    const asked = await resendProof(ctx, headers, body.email)
    return isRefusal(asked) ? asked : Response.json({ status: 'verification_sent' }, { status: 202 })
  },
)
