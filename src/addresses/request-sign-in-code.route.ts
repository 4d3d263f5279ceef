/** POST /v1/email/code — mails a code and a link for signing in. 202 and a cookie for every address. */
import { Hono } from 'hono'
import * as v from 'valibot'
import { EmailAddress } from '../accounts/accounts.ts'
import type { Env } from '../context.ts'
import { jsonBody } from '../http/body.ts'
import { challengeCookie } from '../http/cookies.ts'
import { PURPOSES } from '../one-time/purposes.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { requestSignIn } from './sign-in.ts'

export const requestSignInCode = new Hono<Env>().post(
  '/v1/email/code',
  jsonBody(v.strictObject({ email: EmailAddress })),
  async (c) => {
    const { ctx } = c.var
    const nonce = await requestSignIn(ctx, c.req.raw.headers, c.req.valid('json').email)
    if (isRefusal(nonce)) return problemResponse(nonce, ctx)
    const { seconds } = PURPOSES.sign_in
    const headers = { 'set-cookie': challengeCookie(nonce, seconds) }
    return c.json({ status: 'code_sent', expires_in: seconds }, 202, headers)
  },
)
