/**
 * DELETE /v1/me — closes the caller's account at once: nothing opens it any more. What is personal is erased when the
 * tenant's `erasure_days` are over; until then the mailed link restores it. Needs a sign-in of the last minutes.
 */
import { Hono } from 'hono'
import type { Env } from '../context.ts'
import { requireCaller } from '../guard/caller.ts'
import { expiredRefreshCookie } from '../http/cookies.ts'
import { newToken } from '../one-time/one-time.ts'
import { isRefusal, problemResponse, refuse } from '../problem.ts'
import { closeAccount } from './closing-store.ts'

export const deleteMe = new Hono<Env>().delete('/v1/me', async (c) => {
  const { ctx } = c.var
  const caller = await requireCaller(ctx, c.req.raw.headers, 'deleteMe', { stepUp: true })
  if (isRefusal(caller)) return problemResponse(caller, ctx)

  const isClosed = await closeAccount(ctx, caller, await newToken(ctx, 'restore_account'))
  if (!isClosed) return problemResponse(refuse('invalid_token'), ctx)
  return c.body(null, 204, c.req.header('cookie') ? { 'set-cookie': expiredRefreshCookie() } : {})
})
