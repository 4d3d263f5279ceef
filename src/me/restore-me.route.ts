/** POST /v1/me/restore — Restore a closed account, with the link that was mailed to its owner. */
import * as v from 'valibot'
import { noContent } from '../http/answer.ts'
import { TokenText } from '../one-time/one-time.ts'
import { operation } from '../operation.ts'
import { restoreByToken } from './closing.ts'

export const restoreMe = operation(
  {
    id: 'restoreMe',
    method: 'POST',
    path: '/v1/me/restore',
    body: v.strictObject({ token: TokenText }),
    answers: { 204: null },
    refusals: ['invalid_one_time_token', 'email_taken'],
    caller: 'anyone',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, body }) => (await restoreByToken(ctx, body.token)) ?? noContent(),
)
