/** GET /readyz — whether the parts we depend on answer inside their deadlines: ok or failed, and nothing more. */
import { Hono } from 'hono'
import type { Context, Env } from '../context.ts'
import { checkLimits } from '../limits/check.ts'
import { faultOf, problemResponse } from '../problem.ts'
import { pingPostgres, pingRedis } from './store.ts'

export const readyz = new Hono<Env>().get('/readyz', async (c) => {
  const { ctx } = c.var
  const limited = await checkLimits(ctx, 'readyz')
  if (limited) return problemResponse(limited, ctx)
  const [postgres, redis] = await Promise.all([
    check(ctx, 'postgres', () => pingPostgres(ctx)),
    check(ctx, 'redis', () => pingRedis(ctx)),
  ])
  const ready = postgres === 'ok' && redis === 'ok'
  return c.json({ status: ready ? 'ok' : 'failed', postgres, redis }, ready ? 200 : 503)
})

async function check(
  { log }: Pick<Context, 'log'>,
  upstream: string,
  ask: () => Promise<unknown>,
): Promise<'ok' | 'failed'> {
  try {
    await ask()
    return 'ok'
  } catch (error) {
    log('error', 'not ready', { upstream, cause: faultOf(error).message })
    return 'failed'
  }
}
