/** POST /v1/email/change/confirm — the confirmation of one of the two addresses of a change, by its mailed link. */
import { Hono } from 'hono'
import * as v from 'valibot'
import type { Env } from '../context.ts'
import { jsonBody } from '../http/body.ts'
import { TokenText } from '../one-time/one-time.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { confirmEmailChange } from './email.ts'

export const confirmEmailChangeRoute = new Hono<Env>().post(
  '/v1/email/change/confirm',
  jsonBody(v.strictObject({ token: TokenText })),
  async (c) => {
    const { ctx } = c.var
    const status = await confirmEmailChange(ctx, c.req.valid('json').token)
    return isRefusal(status) ? problemResponse(status, ctx) : c.json({ status })
  },
)
