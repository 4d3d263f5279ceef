/**
 * POST /v1/register — a new account. `sign-in-at-once`: tokens, or 409 when the address is taken. `verify-first`: 202 and a
 * cookie for every address; in the browser that keeps it, the mailed link keeps the password.
 */
import { Hono } from 'hono'
import * as v from 'valibot'
import { EmailAddress } from '../accounts/accounts.ts'
import type { Env } from '../context.ts'
import { jsonBody } from '../http/body.ts'
import { DisplayName, Transport, text } from '../http/input.ts'
import { preferredLanguage } from '../http/language.ts'
import { readIdempotencyKey } from '../idempotency/idempotency.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { signedInResponse } from '../sign-in/answer.ts'
import type { Begun } from '../sign-in/start.ts'
import { MAX_PASSWORD_UNITS } from './policy.ts'
import { registerWithPassword } from './registration.ts'

const Registration = v.strictObject({
  email: EmailAddress,
  password: text(MAX_PASSWORD_UNITS),
  name: v.optional(DisplayName),
  transport: Transport,
})

export const registerRoute = new Hono<Env>().post('/v1/register', jsonBody(Registration), async (c) => {
  const { ctx } = c.var
  const { headers } = c.req.raw
  const input = { ...c.req.valid('json'), locale: preferredLanguage(headers) }
  const idempotencyKey = readIdempotencyKey(headers)
  if (isRefusal(idempotencyKey)) return problemResponse(idempotencyKey, ctx)
  const answer = (begun: Begun) =>
    signedInResponse(ctx, headers, begun, { transport: input.transport, status: 201 })
  const registered = await registerWithPassword(ctx, headers, input, { idempotencyKey, answer })
  return isRefusal(registered) ? problemResponse(registered, ctx) : registered
})
