/** POST /v1/register — a new account, signed in at once; 409 when the address is taken. */
import { Hono } from 'hono'
import * as v from 'valibot'
import { EmailAddress } from '../accounts/accounts.ts'
import type { Env } from '../context.ts'
import { jsonBody } from '../http/body.ts'
import { DisplayName, Transport, text } from '../http/input.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { tokensResponse } from '../sessions/tokens.ts'
import { registerWithPassword } from './passwords.ts'
import { MAX_PASSWORD_UNITS } from './policy.ts'

const Registration = v.strictObject({
  email: EmailAddress,
  password: text(MAX_PASSWORD_UNITS),
  name: v.optional(DisplayName),
  transport: Transport,
})

export const registerRoute = new Hono<Env>().post('/v1/register', jsonBody(Registration), async (c) => {
  const { ctx } = c.var
  const input = c.req.valid('json')
  const registered = await registerWithPassword(ctx, input)
  if (isRefusal(registered)) return problemResponse(registered, ctx)
  return tokensResponse(ctx, registered, input.transport, 201)
})
