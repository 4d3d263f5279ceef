/**
 * POST /v1/password/forgot — Request a link to reset the password. Answers 202 for every address, with or without an
 * account.
 */
import * as v from 'valibot'
import { EmailAddress } from '../accounts/accounts.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { TurnstileToken } from '../turnstile/turnstile.ts'
import { forgetPassword } from './recovery.ts'

export const forgotPassword = operation(
  {
    id: 'forgotPassword',
    method: 'POST',
    path: '/v1/password/forgot',
    body: v.strictObject({ email: EmailAddress, turnstile_token: TurnstileToken }),
    answers: { 202: v.object({ status: v.literal('reset_sent') }) },
    refusals: ['turnstile_failed'],
    caller: 'anyone',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, body }) => {
    const asked = await forgetPassword(ctx, headers, body)
    return isRefusal(asked) ? asked : Response.json({ status: 'reset_sent' }, { status: 202 })
  },
)
