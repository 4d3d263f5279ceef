/** PATCH /v1/me — changes what a person may say about themselves: their name. `null` takes it away. */
import { Hono } from 'hono'
import * as v from 'valibot'
import { presentUser } from '../accounts/accounts.ts'
import type { Env } from '../context.ts'
import { jsonBody } from '../http/body.ts'
import { DisplayName } from '../http/input.ts'
import { isRefusal, problemResponse, refuse } from '../problem.ts'
import { requireCaller } from './caller.ts'
import { renameCaller } from './store.ts'

const Changes = v.strictObject({ name: v.nullable(DisplayName) })

export const updateMe = new Hono<Env>().patch('/v1/me', jsonBody(Changes), async (c) => {
  const { ctx } = c.var
  const caller = await requireCaller(ctx, c.req.raw.headers, 'updateMe')
  if (isRefusal(caller)) return problemResponse(caller, ctx)

  const user = await renameCaller(ctx, caller, c.req.valid('json').name)
  return user === null ? problemResponse(refuse('invalid_token'), ctx) : c.json(presentUser(user))
})
