/** POST /v1/refresh — a refresh token (in the body or in the cookie) for its successor and a new access token. */
import { Hono } from 'hono'
import type { Env } from '../context.ts'
import { jsonBody } from '../http/body.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { PresentedToken, readRefreshToken } from './presented.ts'
import { refreshSession } from './sessions.ts'
import { tokensResponse } from './tokens.ts'

export const refresh = new Hono<Env>().post(
  '/v1/refresh',
  jsonBody(PresentedToken, { optional: true }),
  async (c) => {
    const { ctx } = c.var
    const presented = readRefreshToken(ctx, c.req.raw.headers, c.req.valid('json'))
    if (isRefusal(presented)) return problemResponse(presented, ctx)

    const refreshed = await refreshSession(ctx, presented.refreshToken)
    if (isRefusal(refreshed)) return problemResponse(refreshed, ctx)
    // The successor travels as its predecessor did.
    return tokensResponse(ctx, refreshed, presented.transport, 200)
  },
)
