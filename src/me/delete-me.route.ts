/**
 * DELETE /v1/me — Close the caller's account at once. No one can sign in to it any more. Personal data is erased after
 * the tenant's `erasure_days`; until then the mailed link restores the account. Needs recent authentication.
 * The last administrator of a tenant is refused.
 */
import { noContent } from '../http/answer.ts'
import { expiredRefreshCookie } from '../http/cookies.ts'
import { operation } from '../operation.ts'
import { closeSelf } from './closing.ts'

export const deleteMe = operation(
  {
    id: 'deleteMe',
    method: 'DELETE',
    path: '/v1/me',
    answers: { 204: null },
    answerHeaders: ['set-cookie'],
    refusals: ['last_administrator'],
    caller: 'user',
    stepUp: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers }) =>
    (await closeSelf(ctx, headers)) ??
    noContent(headers.get('cookie') ? { 'set-cookie': expiredRefreshCookie() } : {}),
)
