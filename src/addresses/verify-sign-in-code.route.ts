/** POST /v1/email/code/verify — a mailed code for tokens. */
import { Hono } from 'hono'
import * as v from 'valibot'
import { EmailAddress } from '../accounts/accounts.ts'
import type { Env } from '../context.ts'
import { jsonBody } from '../http/body.ts'
import { stripBlanks, Transport, text } from '../http/input.ts'
import { parseSignInCode, type SignInCode } from '../one-time/one-time-token.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { signedInResponse } from '../sign-in/answer.ts'
import { redeemCode } from './sign-in.ts'

const Answer = v.strictObject({
  email: EmailAddress,
  code: v.pipe(
    text(20),
    v.transform(stripBlanks),
    v.check((code) => parseSignInCode(code) !== null, 'invalid_code'),
    v.transform((code) => parseSignInCode(code) as SignInCode), // the check before has seen that it is one
  ),
  transport: Transport,
})

export const verifySignInCode = new Hono<Env>().post('/v1/email/code/verify', jsonBody(Answer), async (c) => {
  const { ctx } = c.var
  const { email, code, transport } = c.req.valid('json')
  const signedIn = await redeemCode(ctx, c.req.raw.headers, { email, code })
  return isRefusal(signedIn)
    ? problemResponse(signedIn, ctx)
    : signedInResponse(ctx, c.req.raw.headers, signedIn, { transport })
})
