/** /link/resend-verification — mails the link that proves an address once more, and says the same to everybody. */
import { Hono } from 'hono'
import * as v from 'valibot'
import { EmailAddress } from '../accounts/accounts.ts'
import { resendVerification } from '../addresses/email.ts'
import type { Env } from '../context.ts'
import { formBody } from '../http/form.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { asPage, showDone, showForm } from './pages.ts'

const Form = v.strictObject({ email: EmailAddress })

export const resendVerificationPage = new Hono<Env>()
  .get('/link/resend-verification', asPage('resend_verification'), (c) => showForm(c, 'resend_verification'))
  .post('/link/resend-verification', asPage('resend_verification'), formBody(Form), async (c) => {
    const { ctx } = c.var
    const asked = await resendVerification(ctx, c.req.raw.headers, c.req.valid('form').email)
    return isRefusal(asked) ? problemResponse(asked, ctx) : showDone(c, 'resend_verification')
  })
