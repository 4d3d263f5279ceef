/** GET /v1/admin/second-factor-removals — List the removals of second factors that are not due yet, oldest first. */
import * as v from 'valibot'
import { readAsCaller } from '../guard/caller.ts'
import { openCursor, PAGE, pageAnswer, pageOf } from '../http/cursor.ts'
import { requireKeysInUse } from '../keys/auth-keys.ts'
import { findRemovals } from '../mfa/removal-store.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { presentRemoval, RemovalAnswer } from './removals.ts'

const LIST = 'second-factor-removals'

export const listSecondFactorRemovals = operation(
  {
    id: 'listSecondFactorRemovals',
    method: 'GET',
    path: '/v1/admin/second-factor-removals',
    query: v.strictObject(PAGE),
    answers: { 200: pageAnswer(RemovalAnswer) },
    refusals: [],
    caller: 'admin',
    permission: 'latchkey:users:read',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, demands, query: { limit, cursor } }) => {
    const after = await openCursor(ctx, LIST, cursor, () => requireKeysInUse(ctx, 'admin'))
    if (isRefusal(after)) return after
    const find = ({ sid }: { sid: string }) => findRemovals(ctx, sid, { after, limit: limit + 1 })
    const read = await readAsCaller(ctx, headers, 'listSecondFactorRemovals', find, demands)
    if (isRefusal(read)) return read
    const { rows, next_cursor } = await pageOf(ctx, LIST, {
      rows: read.found,
      limit,
      positionOf: ({ id }) => id,
    })
    return Response.json({ data: rows.map(presentRemoval), next_cursor })
  },
)
