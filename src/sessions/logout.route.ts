/**
 * POST /v1/logout — Sign out. Ends the session of the refresh token, the cookie or the access token. Answers 204 also
 * where there is no session.
 */
import type { Context } from '../context.ts'
import { noContent } from '../http/answer.ts'
import { expiredRefreshCookie } from '../http/cookies.ts'
import { operation } from '../operation.ts'
import { isRefusal, type Refusal } from '../problem.ts'
import { requireAllowedOrigin } from '../tenants/cors.ts'
import type { Tenant } from '../tenants/tenants.ts'
import { PresentedToken, readRefreshToken } from './presented.ts'
import { signOutByRefreshToken, signOutCaller } from './sessions.ts'

export const logout = operation(
  {
    id: 'logout',
    method: 'POST',
    path: '/v1/logout',
    body: PresentedToken,
    bodyIsOptional: true,
    answers: { 204: null },
    answerHeaders: ['set-cookie'],
    refusals: ['invalid_grant', 'invalid_token', 'api_key_not_accepted'],
    caller: 'session',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, body }) => {
    const signedOut = await signOut(ctx, headers, body)
    if (isRefusal(signedOut)) return signedOut
    // Whatever proved the session, a browser that holds our cookie should forget it.
    return noContent(headers.get('cookie') ? { 'set-cookie': expiredRefreshCookie() } : {})
  },
)

/** By a token in the body, else a bearer token, else the cookie; null where there is none of them, or no more than a broken cookie. */
async function signOut(
  ctx: Context,
  headers: Headers,
  body: { refresh_token?: string | undefined },
): Promise<Tenant | Refusal | null> {
  if (body.refresh_token === undefined && headers.has('authorization')) return signOutCaller(ctx, headers)
  const presented = readRefreshToken(ctx, headers, body)
  if (!isRefusal(presented)) return signOutByRefreshToken(ctx, presented.refreshToken)
  // A page cannot take the cookie away itself, so it must not be refused for one that is not a token.
  const isNothing =
    presented.refused === 'no_session' ||
    (presented.refused === 'invalid_grant' && body.refresh_token === undefined)
  return isNothing ? requireAllowedOrigin(ctx) : presented
}
