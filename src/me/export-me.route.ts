/**
 * GET /v1/me/export — everything that is held about the caller, as one JSON document (EXPORT.md). Needs a sign-in of the
 * last minutes: whoever has got hold of an access token must not get all of a person's past with it.
 */
import { Hono } from 'hono'
import type { Env } from '../context.ts'
import { recordAttempt } from '../events/dispatch.ts'
import { readCaller } from '../guard/caller.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { exportPerson } from './export.ts'

export const exportMe = new Hono<Env>().get('/v1/me/export', async (c) => {
  const { ctx } = c.var
  const known = await readCaller(ctx, c.req.raw.headers, 'exportMe', { stepUp: true })
  if (isRefusal(known)) return problemResponse(known, ctx)

  const { tenant, userId, sessionId } = known.caller
  const document = await exportPerson(ctx, tenant, userId)
  recordAttempt(ctx, 'user.exported', { subject: userId, actor: userId, data: { session_id: sessionId } })
  return c.body(document, 200, {
    'content-type': 'application/json',
    'content-disposition': 'attachment; filename="latchkey-export.json"',
  })
})
