/** POST /v1/password/reset — a new password by a mailed link; every session ends, and nobody is signed in by it. */
import { Hono } from 'hono'
import * as v from 'valibot'
import type { Env } from '../context.ts'
import { jsonBody } from '../http/body.ts'
import { text } from '../http/input.ts'
import { TokenText } from '../one-time/one-time.ts'
import { problemResponse } from '../problem.ts'
import { MAX_PASSWORD_UNITS } from './policy.ts'
import { redeemReset } from './recovery.ts'

const Reset = v.strictObject({ token: TokenText, password: text(MAX_PASSWORD_UNITS) })

export const resetPasswordRoute = new Hono<Env>().post('/v1/password/reset', jsonBody(Reset), async (c) => {
  const { ctx } = c.var
  const refused = await redeemReset(ctx, c.req.raw.headers, c.req.valid('json'))
  return refused ? problemResponse(refused, ctx) : c.body(null, 204)
})
