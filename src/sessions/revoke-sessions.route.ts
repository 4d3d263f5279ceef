/** DELETE /v1/sessions — ends every session of the caller; `?except=current` spares the one that calls. */
import { Hono } from 'hono'
import * as v from 'valibot'
import type { Env } from '../context.ts'
import { requireCaller } from '../guard/caller.ts'
import { query } from '../http/query.ts'
import { isRefusal, problemResponse, refuse } from '../problem.ts'
import { endSessions } from './ending-store.ts'

const Which = v.strictObject({ except: v.optional(v.picklist(['current'])) })

export const revokeSessions = new Hono<Env>().delete('/v1/sessions', query(Which), async (c) => {
  const { ctx } = c.var
  const caller = await requireCaller(ctx, c.req.raw.headers, 'revokeSessions')
  if (isRefusal(caller)) return problemResponse(caller, ctx)

  const { except } = c.req.valid('query')
  const ended = await endSessions(ctx, caller, except === 'current' ? 'others' : 'all')
  return ended.callers === 0 ? problemResponse(refuse('invalid_token'), ctx) : c.body(null, 204)
})
