/**
 * POST /v1/refresh — Exchange a refresh token, from the body or the cookie, for its successor and a new access token.
 */
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { PresentedToken, readRefreshToken } from './presented.ts'
import { refreshSession } from './sessions.ts'
import { TokensAnswer, tokensResponse } from './tokens.ts'

export const refresh = operation(
  {
    id: 'refresh',
    method: 'POST',
    path: '/v1/refresh',
    body: PresentedToken,
    bodyIsOptional: true,
    answers: { 200: TokensAnswer },
    answerHeaders: ['set-cookie'],
    refusals: ['no_session', 'invalid_grant'],
    caller: 'session',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, body }) => {
    const presented = readRefreshToken(ctx, headers, body)
    if (isRefusal(presented)) return presented

    const refreshed = await refreshSession(ctx, presented)
    if (isRefusal(refreshed)) return refreshed
    // The successor travels as its predecessor did.
    return tokensResponse(ctx, refreshed, presented.transport, 200)
  },
)
