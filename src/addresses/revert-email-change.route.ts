/** POST /v1/email/change/revert — Undo a change of email, with the link that was mailed to the old address. */
import * as v from 'valibot'
import { noContent } from '../http/answer.ts'
import { TokenText } from '../one-time/one-time.ts'
import { operation } from '../operation.ts'
import { undoChange } from './email.ts'

export const revertEmailChange = operation(
  {
    id: 'revertEmailChange',
    method: 'POST',
    path: '/v1/email/change/revert',
    body: v.strictObject({ token: TokenText }),
    answers: { 204: null },
    refusals: ['invalid_one_time_token', 'email_taken'],
    caller: 'anyone',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, body }) => (await undoChange(ctx, body.token)) ?? noContent(),
)
