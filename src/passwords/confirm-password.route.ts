/** POST /v1/password/confirm — the password once more, for tokens with a fresh `auth_time` (step-up, RFC 9470). */
import { Hono } from 'hono'
import * as v from 'valibot'
import type { Env } from '../context.ts'
import { jsonBody } from '../http/body.ts'
import { text } from '../http/input.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { tokensResponse } from '../sessions/tokens.ts'
import { confirmPassword } from './confirmation.ts'
import { MAX_PASSWORD_UNITS } from './policy.ts'

const Confirmation = v.strictObject({ password: text(MAX_PASSWORD_UNITS) })

export const confirmPasswordRoute = new Hono<Env>().post(
  '/v1/password/confirm',
  jsonBody(Confirmation),
  async (c) => {
    const { ctx } = c.var
    const confirmed = await confirmPassword(ctx, c.req.raw.headers, c.req.valid('json').password)
    if (isRefusal(confirmed)) return problemResponse(confirmed, ctx)
    // The session goes on with the refresh token that it has.
    return tokensResponse(ctx, confirmed, 'token', 200)
  },
)
