/** POST /v1/email/change/revert — undoes a change of address by the link that the old address was mailed. */
import { Hono } from 'hono'
import * as v from 'valibot'
import type { Env } from '../context.ts'
import { jsonBody } from '../http/body.ts'
import { TokenText } from '../one-time/one-time.ts'
import { problemResponse } from '../problem.ts'
import { revertEmailChange } from './email.ts'

export const revertEmailChangeRoute = new Hono<Env>().post(
  '/v1/email/change/revert',
  jsonBody(v.strictObject({ token: TokenText })),
  async (c) => {
    const { ctx } = c.var
    const refused = await revertEmailChange(ctx, c.req.valid('json').token)
    return refused ? problemResponse(refused, ctx) : c.body(null, 204)
  },
)
