/** POST /v1/email/change/revert — undoes a change of address by the link that the old address was mailed. */
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
