/** GET /v1/me — the person behind the access token. */
import { Hono } from 'hono'
import { presentSelf } from '../accounts/accounts.ts'
import type { Env } from '../context.ts'
import { readCaller } from '../guard/caller.ts'
import { isRefusal, problemResponse } from '../problem.ts'

export const readMe = new Hono<Env>().get('/v1/me', async (c) => {
  const { ctx } = c.var
  const known = await readCaller(ctx, c.req.raw.headers, 'readMe')
  return isRefusal(known) ? problemResponse(known, ctx) : c.json(presentSelf(known.user))
})
