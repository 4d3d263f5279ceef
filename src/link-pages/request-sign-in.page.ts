/** /link/request-sign-in — mails a link that signs this browser in, and says the same to everybody. */
import { Hono } from 'hono'
import * as v from 'valibot'
import { EmailAddress } from '../accounts/accounts.ts'
import { requestSignIn } from '../addresses/sign-in.ts'
import type { Env } from '../context.ts'
import { challengeCookie } from '../http/cookies.ts'
import { formBody } from '../http/form.ts'
import { PURPOSES } from '../one-time/purposes.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { asPage, showDone, showForm } from './pages.ts'

const Form = v.strictObject({ email: EmailAddress })

export const requestSignInPage = new Hono<Env>()
  .get('/link/request-sign-in', asPage('request_sign_in'), (c) => showForm(c, 'request_sign_in'))
  .post('/link/request-sign-in', asPage('request_sign_in'), formBody(Form), async (c) => {
    const { ctx } = c.var
    const nonce = await requestSignIn(ctx, c.req.raw.headers, c.req.valid('form').email)
    if (isRefusal(nonce)) return problemResponse(nonce, ctx)
    const page = await showDone(c, 'request_sign_in')
    page.headers.append('set-cookie', challengeCookie(nonce, PURPOSES.sign_in.seconds))
    return page
  })
