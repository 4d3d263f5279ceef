/** POST /v1/invitations/accept — Accept an invitation and choose a password. The roles come from the invitation. */
import * as v from 'valibot'
import { noContent } from '../http/answer.ts'
import { DisplayName, text } from '../http/input.ts'
import { TokenText } from '../one-time/one-time.ts'
import { operation } from '../operation.ts'
import { MAX_PASSWORD_UNITS } from './policy.ts'
import { redeemInvitation } from './recovery.ts'

export const acceptInvitation = operation(
  {
    id: 'acceptInvitation',
    method: 'POST',
    path: '/v1/invitations/accept',
    body: v.strictObject({
      token: TokenText,
      password: text(MAX_PASSWORD_UNITS),
      name: v.optional(DisplayName),
    }),
    answers: { 204: null },
    refusals: ['invalid_one_time_token', 'password_compromised'],
    caller: 'anyone',
    budget: { redis: 1, postgres: 2, hashes: 1 },
  },
  async ({ ctx, headers, body }) => (await redeemInvitation(ctx, headers, body)) ?? noContent(),
)
