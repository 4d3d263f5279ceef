/**
 * POST /v1/email/change — Change the email address. The old and the new address must both confirm. Needs recent
 * authentication.
 */
import * as v from 'valibot'
import { EmailAddress } from '../accounts/accounts.ts'
import { operation } from '../operation.ts'
import { askForChange } from './email.ts'

export const requestEmailChange = operation(
  {
    id: 'requestEmailChange',
    method: 'POST',
    path: '/v1/email/change',
    body: v.strictObject({ email: EmailAddress }),
    answers: { 202: v.object({ status: v.literal('confirmations_sent') }) },
    refusals: [],
    caller: 'user',
    stepUp: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, body }) =>
    (await askForChange(ctx, headers, body.email)) ??
    Response.json({ status: 'confirmations_sent' }, { status: 202 }),
)
