/**
 * POST /v1/logout — ends the session of the refresh token, the cookie or the bearer token; 204 also where nothing is left
 * to end.
 */
import { Hono } from 'hono'
import type { Context, Env } from '../context.ts'
import { requireCaller } from '../guard/caller.ts'
import { jsonBody } from '../http/body.ts'
import { expiredRefreshCookie } from '../http/cookies.ts'
import { isRefusal, problemResponse, type Refusal } from '../problem.ts'
import { requireAllowedOrigin } from '../tenants/cors.ts'
import type { Tenant } from '../tenants/tenants.ts'
import { PresentedToken, readRefreshToken } from './presented.ts'
import { signOutByRefreshToken, signOutCaller } from './sessions.ts'

export const logout = new Hono<Env>().post(
  '/v1/logout',
  jsonBody(PresentedToken, { optional: true }),
  async (c) => {
    const { ctx } = c.var
    const signedOut = await signOut(ctx, c.req.raw.headers, c.req.valid('json'))
    if (isRefusal(signedOut)) return problemResponse(signedOut, ctx)
    // Whatever proved the session, a browser that holds our cookie should forget it.
    return c.body(null, 204, c.req.header('cookie') ? { 'set-cookie': expiredRefreshCookie() } : {})
  },
)

/** By a token in the body, else a bearer token, else the cookie; null where there is none of them, or no more than a broken cookie. */
async function signOut(
  ctx: Context,
  headers: Headers,
  body: { refresh_token?: string | undefined },
): Promise<Tenant | Refusal | null> {
  if (body.refresh_token === undefined && headers.has('authorization')) {
    const caller = await requireCaller(ctx, headers, 'logout')
    return isRefusal(caller) ? caller : signOutCaller(ctx, caller)
  }
  const presented = readRefreshToken(ctx, headers, body)
  if (!isRefusal(presented)) return signOutByRefreshToken(ctx, presented.refreshToken)
  // A page cannot take the cookie away itself, so it must not be refused for one that is not a token.
  const isNothing =
    presented.refused === 'no_session' ||
    (presented.refused === 'invalid_grant' && body.refresh_token === undefined)
  return isNothing ? requireAllowedOrigin(ctx) : presented
}
