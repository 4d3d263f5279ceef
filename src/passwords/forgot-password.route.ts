/** POST /v1/password/forgot — mails a link that sets a new password. 202 for every address, whether it has an account or not. */
import { Hono } from 'hono'
import * as v from 'valibot'
import { EmailAddress } from '../accounts/accounts.ts'
import type { Env } from '../context.ts'
import { jsonBody } from '../http/body.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { forgetPassword } from './recovery.ts'

export const forgotPassword = new Hono<Env>().post(
  '/v1/password/forgot',
  jsonBody(v.strictObject({ email: EmailAddress })),
  async (c) => {
    const { ctx } = c.var
    const asked = await forgetPassword(ctx, c.req.raw.headers, c.req.valid('json').email)
    return isRefusal(asked) ? problemResponse(asked, ctx) : c.json({ status: 'reset_sent' }, 202)
  },
)
