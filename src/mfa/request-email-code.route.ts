/** POST /v1/mfa/email-code — mails a code for the second step of a sign-in whose `methods` have `email_code`. */
import * as v from 'valibot'
import { text } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { mailCode } from './email-code.ts'

export const requestEmailCode = operation(
  {
    id: 'requestEmailCode',
    method: 'POST',
    path: '/v1/mfa/email-code',
    body: v.strictObject({ mfa_token: text(200) }),
    answers: { 202: v.object({ status: v.literal('code_sent'), expires_in: v.number() }) },
    refusals: ['invalid_mfa_token'],
    caller: 'anyone',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, body }) => {
    const seconds = await mailCode(ctx, body.mfa_token)
    if (isRefusal(seconds)) return seconds
    return Response.json({ status: 'code_sent', expires_in: seconds }, { status: 202 })
  },
)
