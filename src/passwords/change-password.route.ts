/** POST /v1/password/change — another password, by whoever knows the current one; every other session ends. Step-up. */
import { Hono } from 'hono'
import * as v from 'valibot'
import type { Env } from '../context.ts'
import { jsonBody } from '../http/body.ts'
import { text } from '../http/input.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { tokensResponse } from '../sessions/tokens.ts'
import { choosePassword } from './confirmation.ts'
import { MAX_PASSWORD_UNITS } from './policy.ts'

const Change = v.strictObject({
  current_password: text(MAX_PASSWORD_UNITS),
  new_password: text(MAX_PASSWORD_UNITS),
})

export const changePasswordRoute = new Hono<Env>().post(
  '/v1/password/change',
  jsonBody(Change),
  async (c) => {
    const { ctx } = c.var
    const changed = await choosePassword(ctx, c.req.raw.headers, c.req.valid('json'))
    return isRefusal(changed) ? problemResponse(changed, ctx) : tokensResponse(ctx, changed, 'token', 200)
  },
)
