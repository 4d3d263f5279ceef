/** POST /v1/email/change — asks the old and the new address to confirm a change. Step-up. */
import { Hono } from 'hono'
import * as v from 'valibot'
import { EmailAddress } from '../accounts/accounts.ts'
import type { Env } from '../context.ts'
import { jsonBody } from '../http/body.ts'
import { problemResponse } from '../problem.ts'
import { requestEmailChange } from './email.ts'

export const requestEmailChangeRoute = new Hono<Env>().post(
  '/v1/email/change',
  jsonBody(v.strictObject({ email: EmailAddress })),
  async (c) => {
    const { ctx } = c.var
    const refused = await requestEmailChange(ctx, c.req.raw.headers, c.req.valid('json').email)
    return refused ? problemResponse(refused, ctx) : c.json({ status: 'confirmations_sent' }, 202)
  },
)
