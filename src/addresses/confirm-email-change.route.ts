/**
 * POST /v1/email/change/confirm — Confirm a change of email. The old and the new address each confirm with the link that
 * was mailed to them.
 */
import * as v from 'valibot'
import { TokenText } from '../one-time/one-time.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { takeConfirmation } from './email.ts'

export const confirmEmailChange = operation(
  {
    id: 'confirmEmailChange',
    method: 'POST',
    path: '/v1/email/change/confirm',
    body: v.strictObject({ token: TokenText }),
    answers: { 200: v.object({ status: v.picklist(['waiting', 'changed']) }) },
    refusals: ['invalid_one_time_token', 'email_taken'],
    caller: 'anyone',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, body }) => {
    const status = await takeConfirmation(ctx, body.token)
    return isRefusal(status) ? status : Response.json({ status })
  },
)
