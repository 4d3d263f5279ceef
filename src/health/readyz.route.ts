/** GET /readyz — Check that the dependencies answer in time, and that this Worker has the deployment's keys. */
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { requireKeys } from '../keys/auth-keys.ts'
import { openCurrentKey } from '../keys/keys.ts'
import { findReadiness } from '../keys/store.ts'
import { checkLimits } from '../limits/check.ts'
import { operation } from '../operation.ts'
import { faultOf } from '../problem.ts'
import { pingRedis } from './store.ts'

const State = v.picklist(['ok', 'failed'])
const Readiness = v.object({
  status: State,
  postgres: State,
  redis: State,
  signing_key: v.picklist(['ok', 'failed', 'unknown']),
  auth_keys: v.picklist(['ok', 'failed', 'unknown']),
})

export const readyz = operation(
  {
    id: 'readyz',
    method: 'GET',
    path: '/readyz',
    answers: { 200: Readiness, 503: Readiness },
    refusals: [],
    caller: 'anyone',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx }) => {
    const limited = await checkLimits(ctx, 'readyz')
    if (limited) return limited
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
    return Response.json({ status: isReady ? 'ok' : 'failed', ...parts }, { status: isReady ? 200 : 503 })
  },
)

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
