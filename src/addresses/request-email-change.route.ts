/** POST /v1/email/change — asks the old and the new address to confirm a change. Step-up. */
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
