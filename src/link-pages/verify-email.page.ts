/** /link/verify-email — proves an address. With the password chosen at registration everything stays as it was set up. */
import { Hono } from 'hono'
import * as v from 'valibot'
import type { Env } from '../context.ts'
import { formBody } from '../http/form.ts'
import { text } from '../http/input.ts'
import { TokenText } from '../one-time/one-time.ts'
import { MAX_PASSWORD_UNITS } from '../passwords/policy.ts'
import { proveEmail } from '../passwords/recovery.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { asPage, showDone, showLink } from './pages.ts'

const Form = v.strictObject({ token: TokenText, password: v.optional(text(MAX_PASSWORD_UNITS)) })

export const verifyEmailPage = new Hono<Env>()
  .get('/link/verify-email', asPage('verify_email'), (c) => showLink(c, 'verify_email'))
  .post('/link/verify-email', asPage('verify_email'), formBody(Form), async (c) => {
    const { ctx } = c.var
    const proved = await proveEmail(ctx, c.req.raw.headers, c.req.valid('form'))
    if (isRefusal(proved)) return problemResponse(proved, ctx)
    return showDone(c, 'verify_email', proved === 'kept' ? null : 'without_password')
  })
