/** POST /v1/email/resend — mails the link that proves an address once more. 202 for every address. */
import { Hono } from 'hono'
import * as v from 'valibot'
import { EmailAddress } from '../accounts/accounts.ts'
import type { Env } from '../context.ts'
import { jsonBody } from '../http/body.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { resendVerification } from './email.ts'

export const resendVerificationRoute = new Hono<Env>().post(
  '/v1/email/resend',
  jsonBody(v.strictObject({ email: EmailAddress })),
  async (c) => {
    const { ctx } = c.var
    const asked = await resendVerification(ctx, c.req.raw.headers, c.req.valid('json').email)
    return isRefusal(asked) ? problemResponse(asked, ctx) : c.json({ status: 'verification_sent' }, 202)
  },
)
