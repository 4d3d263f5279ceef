/** /link/forgot-password — where /.well-known/change-password leads: mails a link, and says the same to everybody. */
import { Hono } from 'hono'
import * as v from 'valibot'
import { EmailAddress } from '../accounts/accounts.ts'
import type { Env } from '../context.ts'
import { formBody } from '../http/form.ts'
import { forgetPassword } from '../passwords/recovery.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { asPage, showDone, showForm } from './pages.ts'

const Form = v.strictObject({ email: EmailAddress })

export const forgotPasswordPage = new Hono<Env>()
  .get('/link/forgot-password', asPage('forgot_password'), (c) => showForm(c, 'forgot_password'))
  .post('/link/forgot-password', asPage('forgot_password'), formBody(Form), async (c) => {
    const { ctx } = c.var
    const asked = await forgetPassword(ctx, c.req.raw.headers, c.req.valid('form').email)
    return isRefusal(asked) ? problemResponse(asked, ctx) : showDone(c, 'forgot_password')
  })
