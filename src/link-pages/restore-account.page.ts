/** /link/restore-account — takes back that an account was closed. */
import { Hono } from 'hono'
import * as v from 'valibot'
import type { Env } from '../context.ts'
import { formBody } from '../http/form.ts'
import { restoreByToken } from '../me/closing.ts'
import { TokenText } from '../one-time/one-time.ts'
import { problemResponse } from '../problem.ts'
import { asPage, showDone, showLink } from './pages.ts'

const Form = v.strictObject({ token: TokenText })

export const restoreAccountPage = new Hono<Env>()
  .get('/link/restore-account', asPage('restore_account'), (c) => showLink(c, 'restore_account'))
  .post('/link/restore-account', asPage('restore_account'), formBody(Form), async (c) => {
    const { ctx } = c.var
    const refused = await restoreByToken(ctx, c.req.valid('form').token)
    return refused ? problemResponse(refused, ctx) : showDone(c, 'restore_account')
  })
