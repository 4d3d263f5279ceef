/**
 * GET /healthz — Check that the process answers. It asks no dependency, so that a database outage does not restart
 * Workers.
 */
import * as v from 'valibot'
import { checkLimits } from '../limits/check.ts'
import { operation } from '../operation.ts'

export const healthz = operation(
  {
    id: 'healthz',
    method: 'GET',
    path: '/healthz',
    answers: { 200: v.object({ status: v.literal('ok') }) },
    refusals: [],
    caller: 'anyone',
    budget: { redis: 0, postgres: 0 },
  },
  async ({ ctx }) => (await checkLimits(ctx, 'healthz')) ?? Response.json({ status: 'ok' }),
)
