/** /link/accept-invitation — who was invited chooses a password, and is called what they say or what they were invited as. */
import { Hono } from 'hono'
import * as v from 'valibot'
import type { Env } from '../context.ts'
import { formBody } from '../http/form.ts'
import { DisplayName, text } from '../http/input.ts'
import { TokenText } from '../one-time/one-time.ts'
import { MAX_PASSWORD_UNITS } from '../passwords/policy.ts'
import { redeemInvitation } from '../passwords/recovery.ts'
import { problemResponse } from '../problem.ts'
import { asPage, showDone, showLink } from './pages.ts'

const Form = v.strictObject({
  token: TokenText,
  password: text(MAX_PASSWORD_UNITS),
  name: v.optional(DisplayName),
})

export const acceptInvitationPage = new Hono<Env>()
  .get('/link/accept-invitation', asPage('accept_invitation'), (c) => showLink(c, 'accept_invitation'))
  .post('/link/accept-invitation', asPage('accept_invitation'), formBody(Form), async (c) => {
    const { ctx } = c.var
    const refused = await redeemInvitation(ctx, c.req.raw.headers, c.req.valid('form'))
    return refused ? problemResponse(refused, ctx) : showDone(c, 'accept_invitation')
  })
