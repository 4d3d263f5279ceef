/** POST /v1/email/link/verify — a mailed link for tokens, in the browser that asked for it. */
import { Hono } from 'hono'
import * as v from 'valibot'
import type { Env } from '../context.ts'
import { jsonBody } from '../http/body.ts'
import { readChallengeCookie } from '../http/cookies.ts'
import { Transport } from '../http/input.ts'
import { requireBrowserOrigin } from '../http/origin.ts'
import { TokenText } from '../one-time/one-time.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { signedInResponse } from '../sign-in/answer.ts'
import { redeemLink } from './sign-in.ts'

const Link = v.strictObject({ token: TokenText, transport: Transport })

export const verifySignInLink = new Hono<Env>().post('/v1/email/link/verify', jsonBody(Link), async (c) => {
  const { ctx } = c.var
  const { headers } = c.req.raw
  const { token, transport } = c.req.valid('json')
  const nonce = readChallengeCookie(headers)
  // A browser sends the cookie with every page's request, so a page must show that it may.
  const refused = nonce === null ? null : requireBrowserOrigin(ctx)
  if (refused) return problemResponse(refused, ctx)
  const signedIn = await redeemLink(ctx, { token, nonce })
  return isRefusal(signedIn)
    ? problemResponse(signedIn, ctx)
    : signedInResponse(ctx, headers, signedIn, { transport })
})
