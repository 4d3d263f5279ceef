/** POST /v1/admin/invitations — mails somebody a link to an account of the tenant; 202 for every address. */
import { Hono } from 'hono'
import * as v from 'valibot'
import { EmailAddress, Roles } from '../accounts/accounts.ts'
import type { Env } from '../context.ts'
import { requireCaller } from '../guard/caller.ts'
import { jsonBody } from '../http/body.ts'
import { DisplayName } from '../http/input.ts'
import { readIdempotencyKey } from '../idempotency/idempotency.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { invite } from './invitations.ts'

const NewInvitation = v.strictObject({
  email: EmailAddress,
  name: v.optional(DisplayName),
  roles: v.optional(Roles, []),
})

export const createInvitation = new Hono<Env>().post(
  '/v1/admin/invitations',
  jsonBody(NewInvitation),
  async (c) => {
    const { ctx } = c.var
    const idempotencyKey = readIdempotencyKey(c.req.raw.headers)
    if (isRefusal(idempotencyKey)) return problemResponse(idempotencyKey, ctx)
    const caller = await requireCaller(ctx, c.req.raw.headers, 'createInvitation', { stepUp: true })
    if (isRefusal(caller)) return problemResponse(caller, ctx)

    const invited = await invite(ctx, caller, c.req.valid('json'), idempotencyKey)
    return isRefusal(invited) ? problemResponse(invited, ctx) : invited
  },
)
