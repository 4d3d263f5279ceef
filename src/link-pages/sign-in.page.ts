/**
 * /link/sign-in — signs in the browser that asked for the link; what keeps it signed in is a cookie alone. Where the account
 * has a second factor, the same path takes its code.
 */
import { Hono } from 'hono'
import * as v from 'valibot'
import { redeemLink } from '../addresses/sign-in.ts'
import type { Context, Env } from '../context.ts'
import { readChallengeCookie } from '../http/cookies.ts'
import { formBody } from '../http/form.ts'
import { text } from '../http/input.ts'
import { isTotpCode } from '../mfa/totp.ts'
import { verifySecondFactor } from '../mfa/verify.ts'
import { TokenText } from '../one-time/one-time.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { signedInCookies } from '../sign-in/answer.ts'
import { asPage, showDone, showLink, showSecondStep } from './pages.ts'

/** Of the link; or of the second step, with a code. */
const Form = v.strictObject({
  token: v.optional(TokenText, ''),
  mfa_token: v.optional(text(200)),
  code: v.optional(text(64), ''),
})

function passStep(
  ctx: Context,
  headers: Headers,
  { token, mfa_token, code: typed }: v.InferOutput<typeof Form>,
) {
  if (mfa_token === undefined) return redeemLink(ctx, { token, nonce: readChallengeCookie(headers) })
  const code = typed.trim()
  const method = isTotpCode(code) ? 'totp' : 'recovery_code'
  return verifySecondFactor(ctx, mfa_token, { method, code }, 'email')
}

export const signInPage = new Hono<Env>()
  .get('/link/sign-in', asPage('sign_in'), (c) => showLink(c, 'sign_in'))
  .post('/link/sign-in', asPage('sign_in'), formBody(Form), async (c) => {
    const { ctx } = c.var
    const { headers } = c.req.raw
    const passed = await passStep(ctx, headers, c.req.valid('form'))
    if (isRefusal(passed)) return problemResponse(passed, ctx)
    if (passed.state === 'challenged') return showSecondStep(c, passed)
    const page = await showDone(c, 'sign_in')
    for (const cookie of await signedInCookies(ctx, headers, passed))
      page.headers.append('set-cookie', cookie)
    return page
  })
