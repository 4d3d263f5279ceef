/** POST /v1/invitations/accept — who was invited chooses a password; what they are granted came with the invitation. */
import { Hono } from 'hono'
import * as v from 'valibot'
import type { Env } from '../context.ts'
import { jsonBody } from '../http/body.ts'
import { DisplayName, text } from '../http/input.ts'
import { TokenText } from '../one-time/one-time.ts'
import { problemResponse } from '../problem.ts'
import { MAX_PASSWORD_UNITS } from './policy.ts'
import { redeemInvitation } from './recovery.ts'

const Acceptance = v.strictObject({
  token: TokenText,
  password: text(MAX_PASSWORD_UNITS),
  name: v.optional(DisplayName),
})

export const acceptInvitation = new Hono<Env>().post(
  '/v1/invitations/accept',
  jsonBody(Acceptance),
  async (c) => {
    const { ctx } = c.var
    const refused = await redeemInvitation(ctx, c.req.raw.headers, c.req.valid('json'))
    return refused ? problemResponse(refused, ctx) : c.body(null, 204)
  },
)
