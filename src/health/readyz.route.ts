/** GET /readyz — whether the parts we depend on answer inside their deadlines, and whether this Worker's keys are the deployment's. */
import { Hono } from 'hono'
import type { Context, Env } from '../context.ts'
import { requireKeys } from '../keys/auth-keys.ts'
import { openCurrentKey } from '../keys/keys.ts'
import { findReadiness } from '../keys/store.ts'
import { checkLimits } from '../limits/check.ts'
import { faultOf, problemResponse } from '../problem.ts'
import { pingRedis } from './store.ts'

export const readyz = new Hono<Env>().get('/readyz', async (c) => {
  const { ctx } = c.var
  const limited = await checkLimits(ctx, 'readyz')
  if (limited) return problemResponse(limited, ctx)
  const [row, pong] = await Promise.all([
    check(ctx, 'postgres', () => findReadiness(ctx, 'session')),
    check(ctx, 'redis', () => pingRedis(ctx)),
  ])
  // One question to PostgreSQL answers for the keys too; while it is away nothing is known of them.
  const key = row.isOk ? await check(ctx, 'signing key', () => openCurrentKey(ctx, row.found?.key)) : null
  const ring = row.isOk
    ? await check(ctx, 'AUTH_KEYS', async () => requireKeys(ctx, row.found?.ring, 'session'))
    : null
  const parts = {
    postgres: wordOf(row),
    redis: wordOf(pong),
    signing_key: key ? wordOf(key) : 'unknown',
    auth_keys: ring ? wordOf(ring) : 'unknown',
  }
  const isReady = row.isOk && pong.isOk && key?.isOk && ring?.isOk
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
