/** /link/revert-email — the old address undoes a change. */
import { Hono } from 'hono'
import * as v from 'valibot'
import { revertEmailChange } from '../addresses/email.ts'
import type { Env } from '../context.ts'
import { formBody } from '../http/form.ts'
import { TokenText } from '../one-time/one-time.ts'
import { problemResponse } from '../problem.ts'
import { asPage, showDone, showLink } from './pages.ts'

const Form = v.strictObject({ token: TokenText })

export const revertEmailPage = new Hono<Env>()
  .get('/link/revert-email', asPage('revert_email'), (c) => showLink(c, 'revert_email'))
  .post('/link/revert-email', asPage('revert_email'), formBody(Form), async (c) => {
    const { ctx } = c.var
    const refused = await revertEmailChange(ctx, c.req.valid('form').token)
    return refused ? problemResponse(refused, ctx) : showDone(c, 'revert_email')
  })
