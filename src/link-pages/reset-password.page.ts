/** /link/reset-password — sets a new password. It signs nobody in. */
import { Hono } from 'hono'
import * as v from 'valibot'
import type { Env } from '../context.ts'
import { formBody } from '../http/form.ts'
import { text } from '../http/input.ts'
import { TokenText } from '../one-time/one-time.ts'
import { MAX_PASSWORD_UNITS } from '../passwords/policy.ts'
import { redeemReset } from '../passwords/recovery.ts'
import { problemResponse } from '../problem.ts'
import { asPage, showDone, showLink } from './pages.ts'

const Form = v.strictObject({ token: TokenText, password: text(MAX_PASSWORD_UNITS) })

export const resetPasswordPage = new Hono<Env>()
  .get('/link/reset-password', asPage('reset_password'), (c) => showLink(c, 'reset_password'))
  .post('/link/reset-password', asPage('reset_password'), formBody(Form), async (c) => {
    const { ctx } = c.var
    const refused = await redeemReset(ctx, c.req.raw.headers, c.req.valid('form'))
    return refused ? problemResponse(refused, ctx) : showDone(c, 'reset_password')
  })
