/** POST /v1/password/reset — Set a new password with a mailed link. Every session ends, and no new one begins. */
import * as v from 'valibot'
import { noContent } from '../http/answer.ts'
import { text } from '../http/input.ts'
import { TokenText } from '../one-time/one-time.ts'
import { operation } from '../operation.ts'
import { MAX_PASSWORD_UNITS } from './policy.ts'
import { redeemReset } from './recovery.ts'

export const resetPassword = operation(
  {
    id: 'resetPassword',
    method: 'POST',
    path: '/v1/password/reset',
    body: v.strictObject({ token: TokenText, password: text(MAX_PASSWORD_UNITS) }),
    answers: { 204: null },
    refusals: ['invalid_one_time_token', 'password_compromised'],
    caller: 'anyone',
    budget: { redis: 1, postgres: 2, hashes: 1 },
  },
  async ({ ctx, headers, body }) => (await redeemReset(ctx, headers, body)) ?? noContent(),
)
