/** /link/sign-in — signs in the browser that asked for the link; what keeps it signed in is a cookie alone. */
import { Hono } from 'hono'
import * as v from 'valibot'
import { redeemLink } from '../addresses/sign-in.ts'
import type { Env } from '../context.ts'
import { readChallengeCookie } from '../http/cookies.ts'
import { formBody } from '../http/form.ts'
import { TokenText } from '../one-time/one-time.ts'
import { isRefusal, problemResponse, refuse } from '../problem.ts'
import { signedInCookies } from '../sign-in/answer.ts'
import { asPage, showDone, showLink } from './pages.ts'

const Form = v.strictObject({ token: TokenText })

export const signInPage = new Hono<Env>()
  .get('/link/sign-in', asPage('sign_in'), (c) => showLink(c, 'sign_in'))
  .post('/link/sign-in', asPage('sign_in'), formBody(Form), async (c) => {
    const { ctx } = c.var
    const { headers } = c.req.raw
    const { token } = c.req.valid('form')
    const signedIn = await redeemLink(ctx, { token, nonce: readChallengeCookie(headers) })
    if (isRefusal(signedIn)) return problemResponse(signedIn, ctx)
    if (signedIn.state === 'challenged') return problemResponse(refuse('second_factor_required'), ctx)
    const page = await showDone(c, 'sign_in')
    for (const cookie of await signedInCookies(ctx, headers, signedIn))
      page.headers.append('set-cookie', cookie)
    return page
  })
