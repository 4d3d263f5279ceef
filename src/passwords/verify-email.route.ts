/**
 * POST /v1/email/verify — proves an address by its mailed link. With the account's password everything stays as it is;
 * without it, a password and sessions from before the first proof are gone. In this Worker because it may verify a password.
 */
import { Hono } from 'hono'
import * as v from 'valibot'
import type { Env } from '../context.ts'
import { jsonBody } from '../http/body.ts'
import { text } from '../http/input.ts'
import { TokenText } from '../one-time/one-time.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { MAX_PASSWORD_UNITS } from './policy.ts'
import { proveEmail } from './recovery.ts'

const Proof = v.strictObject({ token: TokenText, password: v.optional(text(MAX_PASSWORD_UNITS)) })

export const verifyEmailRoute = new Hono<Env>().post('/v1/email/verify', jsonBody(Proof), async (c) => {
  const { ctx } = c.var
  const password = await proveEmail(ctx, c.req.valid('json'))
  return isRefusal(password) ? problemResponse(password, ctx) : c.json({ status: 'verified', password })
})
