/** POST /v1/me/restore — opens a closed account again, by the link that its owner was mailed. */
import { Hono } from 'hono'
import * as v from 'valibot'
import type { Env } from '../context.ts'
import { jsonBody } from '../http/body.ts'
import { TokenText } from '../one-time/one-time.ts'
import { problemResponse } from '../problem.ts'
import { restoreByToken } from './closing.ts'

const Restoring = v.strictObject({ token: TokenText })

export const restoreMe = new Hono<Env>().post('/v1/me/restore', jsonBody(Restoring), async (c) => {
  const { ctx } = c.var
  const refused = await restoreByToken(ctx, c.req.valid('json').token)
  return refused ? problemResponse(refused, ctx) : c.body(null, 204)
})
