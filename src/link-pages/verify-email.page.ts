/**
 * /link/verify-email — proves an address. In the browser that registered the button keeps everything; in another one the
 * page asks for the password, or has a new one chosen: pressing a button never costs a password unasked.
 */
import { Hono } from 'hono'
import * as v from 'valibot'
import type { Env } from '../context.ts'
import { formBody } from '../http/form.ts'
import { text } from '../http/input.ts'
import { TokenText } from '../one-time/one-time.ts'
import { MAX_PASSWORD_UNITS } from '../passwords/policy.ts'
import { proveEmail } from '../passwords/recovery.ts'
import { hasRegistered } from '../passwords/registering-browser.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { asPage, showDone, showProof } from './pages.ts'

const Form = v.strictObject({
  token: TokenText,
  password: v.optional(text(MAX_PASSWORD_UNITS)),
  new_password: v.optional(text(MAX_PASSWORD_UNITS)),
})

export const verifyEmailPage = new Hono<Env>()
  .get('/link/verify-email', asPage('verify_email'), (c) =>
    showProof(
      c,
      ({ isProved, hasPassword, userId }) =>
        isProved || !hasPassword || hasRegistered(c.var.ctx, c.req.raw.headers, userId),
    ),
  )
  .post('/link/verify-email', asPage('verify_email'), formBody(Form), async (c) => {
    const { ctx } = c.var
    const proved = await proveEmail(ctx, c.req.raw.headers, c.req.valid('form'), { mayRemove: false })
    if (isRefusal(proved)) return problemResponse(proved, ctx)
    return showDone(c, 'verify_email', proved === 'none' ? 'without_password' : null)
  })
