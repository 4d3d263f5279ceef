/** DELETE /v1/sessions/{id} — ends one session of the caller, also their own; 404 for anybody else's. */
import { Hono } from 'hono'
import type { Env } from '../context.ts'
import { requireCaller } from '../guard/caller.ts'
import { UUID } from '../http/input.ts'
import { isRefusal, problemResponse, refuse } from '../problem.ts'
import { endSessions } from './ending-store.ts'

export const revokeSession = new Hono<Env>().delete('/v1/sessions/:id', async (c) => {
  const { ctx } = c.var
  const caller = await requireCaller(ctx, c.req.raw.headers, 'revokeSession')
  if (isRefusal(caller)) return problemResponse(caller, ctx)
  const id = c.req.param('id')
  if (!UUID.test(id)) return problemResponse(refuse('not_found'), ctx)

  const ended = await endSessions(ctx, caller, { one: id })
  if (ended.callers === 0) return problemResponse(refuse('invalid_token'), ctx)
  if (ended.found === 0) return problemResponse(refuse('not_found'), ctx)
  return c.body(null, 204)
})
