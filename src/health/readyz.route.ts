/** GET /readyz — whether the parts we depend on answer inside their deadlines, and whether a sign-in could be signed. */
import { Hono } from 'hono'
import type { Context, Env } from '../context.ts'
import { openCurrentKey } from '../keys/keys.ts'
import { findCurrentKey } from '../keys/store.ts'
import { checkLimits } from '../limits/check.ts'
import { faultOf, problemResponse } from '../problem.ts'
import { pingRedis } from './store.ts'

export const readyz = new Hono<Env>().get('/readyz', async (c) => {
  const { ctx } = c.var
  const limited = await checkLimits(ctx, 'readyz')
  if (limited) return problemResponse(limited, ctx)
  const [row, pong] = await Promise.all([
    check(ctx, 'postgres', () => findCurrentKey(ctx)),
    check(ctx, 'redis', () => pingRedis(ctx)),
  ])
  // One question to PostgreSQL answers both; while it is away nothing is known of the key.
  const key = row.isOk ? await check(ctx, 'signing key', () => openCurrentKey(ctx, row.found)) : null
  const parts = { postgres: wordOf(row), redis: wordOf(pong), signing_key: key ? wordOf(key) : 'unknown' }
  const isReady = row.isOk && pong.isOk && key?.isOk
  return c.json({ status: isReady ? 'ok' : 'failed', ...parts }, isReady ? 200 : 503)
})

type Checked<Found> = { isOk: true; found: Found } | { isOk: false }

const wordOf = ({ isOk }: Checked<unknown>): 'ok' | 'failed' => (isOk ? 'ok' : 'failed')

async function check<Found>(
  { log }: Pick<Context, 'log'>,
  part: string,
  ask: () => Promise<Found>,
): Promise<Checked<Found>> {
  try {
    return { isOk: true, found: await ask() }
  } catch (error) {
    log('error', 'not ready', { upstream: part, cause: faultOf(error).message })
    return { isOk: false }
  }
}
