/** GET /healthz — the process answers; it asks nobody, so that a dead database does not get Workers restarted. */
import { Hono } from 'hono'
import type { Env } from '../context.ts'
import { checkLimits } from '../limits/check.ts'
import { problemResponse } from '../problem.ts'

export const healthz = new Hono<Env>().get('/healthz', async (c) => {
  const { ctx } = c.var
  const limited = await checkLimits(ctx, 'healthz')
  return limited ? problemResponse(limited, ctx) : c.json({ status: 'ok' })
})
