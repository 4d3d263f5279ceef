/**
 * PATCH /v1/me — changes what a person may say about themselves: their name, their language (`null` takes it away), and
 * whether they want mail that is not about their security.
 */
import { Hono } from 'hono'
import * as v from 'valibot'
import { presentSelf } from '../accounts/accounts.ts'
import type { Env } from '../context.ts'
import { requireCaller } from '../guard/caller.ts'
import { jsonBody } from '../http/body.ts'
import { DisplayName } from '../http/input.ts'
import { LanguageTag } from '../http/language.ts'
import { isRefusal, problemResponse, refuse } from '../problem.ts'
import { updateCaller } from './self-store.ts'

const Changes = v.pipe(
  v.strictObject({
    name: v.exactOptional(v.nullable(DisplayName)),
    locale: v.exactOptional(v.nullable(LanguageTag)),
    operational_mail: v.exactOptional(v.boolean()),
  }),
  v.check((changes) => Object.keys(changes).length > 0, 'missing'),
)

export const updateMe = new Hono<Env>().patch('/v1/me', jsonBody(Changes), async (c) => {
  const { ctx } = c.var
  const caller = await requireCaller(ctx, c.req.raw.headers, 'updateMe')
  if (isRefusal(caller)) return problemResponse(caller, ctx)

  const user = await updateCaller(ctx, caller, c.req.valid('json'))
  return user === null ? problemResponse(refuse('invalid_token'), ctx) : c.json(presentSelf(user))
})
