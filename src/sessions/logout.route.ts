/** POST /v1/logout — ends the session of the refresh token, the cookie or the bearer token; 204 also when it is already gone. */
import { Hono } from 'hono'
import type { Context, Env } from '../context.ts'
import { jsonBody } from '../http/body.ts'
import { expiredRefreshCookie } from '../http/cookies.ts'
import { isRefusal, problemResponse, type Refusal } from '../problem.ts'
import type { Tenant } from '../tenants/tenants.ts'
import { requireCaller } from './caller.ts'
import { PresentedToken, readRefreshToken } from './presented.ts'
import { signOutByRefreshToken, signOutCaller } from './sessions.ts'

export const logout = new Hono<Env>().post(
  '/v1/logout',
  jsonBody(PresentedToken, { optional: true }),
  async (c) => {
    const { ctx } = c.var
    const tenant = await signOut(ctx, c.req.raw.headers, c.req.valid('json'))
    if (isRefusal(tenant)) return problemResponse(tenant, ctx)
    // Whatever proved the session, a browser that holds our cookie should forget it.
    return c.body(null, 204, c.req.header('cookie') ? { 'set-cookie': expiredRefreshCookie() } : {})
  },
)

/** A token in the body, else a bearer token, else the cookie. */
async function signOut(
  ctx: Context,
  headers: Headers,
  body: { refresh_token?: string | undefined },
): Promise<Tenant | Refusal> {
  if (body.refresh_token === undefined && headers.has('authorization')) {
    const caller = await requireCaller(ctx, headers, 'logout')
    return isRefusal(caller) ? caller : signOutCaller(ctx, caller)
  }
  const presented = readRefreshToken(ctx, headers, body)
  return isRefusal(presented) ? presented : signOutByRefreshToken(ctx, presented.refreshToken)
}
