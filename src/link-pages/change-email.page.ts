/** /link/change-email — the confirmation of one of the two addresses of a change. */
import { Hono } from 'hono'
import * as v from 'valibot'
import { confirmEmailChange } from '../addresses/email.ts'
import type { Env } from '../context.ts'
import { formBody } from '../http/form.ts'
import { TokenText } from '../one-time/one-time.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { asPage, showDone, showLink } from './pages.ts'

const Form = v.strictObject({ token: TokenText })

export const changeEmailPage = new Hono<Env>()
  .get('/link/change-email', asPage('change_email'), (c) => showLink(c, 'change_email'))
  .post('/link/change-email', asPage('change_email'), formBody(Form), async (c) => {
    const { ctx } = c.var
    const confirmed = await confirmEmailChange(ctx, c.req.valid('form').token)
    if (isRefusal(confirmed)) return problemResponse(confirmed, ctx)
    return showDone(c, 'change_email', confirmed === 'changed' ? null : 'waiting')
  })
