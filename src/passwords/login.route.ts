/** POST /v1/login — e-mail and password for tokens. */
import { Hono } from 'hono'
import * as v from 'valibot'
import { EmailAddress } from '../accounts/accounts.ts'
import type { Env } from '../context.ts'
import { jsonBody } from '../http/body.ts'
import { Transport, text } from '../http/input.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { signedInResponse } from '../sign-in/answer.ts'
import { MAX_PASSWORD_UNITS } from './policy.ts'
import { signInWithPassword } from './sign-in.ts'

const Credentials = v.strictObject({
  email: EmailAddress,
  password: text(MAX_PASSWORD_UNITS),
  transport: Transport,
})

export const login = new Hono<Env>().post('/v1/login', jsonBody(Credentials), async (c) => {
  const { ctx } = c.var
  const input = c.req.valid('json')
  const { headers } = c.req.raw
  const signedIn = await signInWithPassword(ctx, headers, input)
  return isRefusal(signedIn)
    ? problemResponse(signedIn, ctx)
    : signedInResponse(ctx, headers, signedIn, input)
})
