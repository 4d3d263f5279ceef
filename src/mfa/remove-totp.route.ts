/**
 * DELETE /v1/mfa/totp — Remove the authenticator app and the recovery codes. Every other session ends. Needs recent
 * authentication.
 */
import { noContent } from '../http/answer.ts'
import { operation } from '../operation.ts'
import { removeTotp as remove } from './enrolment.ts'

export const removeTotp = operation(
  {
    id: 'removeTotp',
    method: 'DELETE',
    path: '/v1/mfa/totp',
    answers: { 204: null },
    refusals: ['not_found', 'second_factor_required'],
    caller: 'user',
    stepUp: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers }) => (await remove(ctx, headers)) ?? noContent(),
)
