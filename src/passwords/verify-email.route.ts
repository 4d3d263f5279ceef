/**
 * POST /v1/email/verify — proves an address by its mailed link. In the browser that registered, or with the account's
 * password, everything stays as it is; with a new password, that one is set; else a password and sessions from before the
 * first proof are gone. In this Worker because it may verify or hash a password.
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

const Proof = v.pipe(
  v.strictObject({
    token: TokenText,
    password: v.optional(text(MAX_PASSWORD_UNITS)),
    new_password: v.optional(text(MAX_PASSWORD_UNITS)),
  }),
  v.forward(
    v.check(
      ({ password, new_password }) => password === undefined || new_password === undefined,
      'not_with_password',
    ),
    ['new_password'],
  ),
)

export const verifyEmailRoute = new Hono<Env>().post('/v1/email/verify', jsonBody(Proof), async (c) => {
  const { ctx } = c.var
  const password = await proveEmail(ctx, c.req.raw.headers, c.req.valid('json'))
  return isRefusal(password) ? problemResponse(password, ctx) : c.json({ status: 'verified', password })
})
