/** GET /v1/mfa — List the caller's second factors, and how many recovery codes are left. */
import * as v from 'valibot'
import { readAsCaller } from '../guard/caller.ts'
import { instant } from '../http/answer.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { listFactors as list } from './list-store.ts'

const Factors = v.strictObject({
  factors: v.array(
    v.strictObject({ id: v.string(), type: v.picklist(['totp', 'passkey']), confirmed_at: v.string() }),
  ),
  recovery_codes_left: v.number(),
})

export const listFactors = operation(
  {
    id: 'listFactors',
    method: 'GET',
    path: '/v1/mfa',
    answers: { 200: Factors },
    refusals: [],
    caller: 'user',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers }) => {
    const read = await readAsCaller(ctx, headers, 'listFactors', ({ sid }) => list(ctx, sid))
    if (isRefusal(read)) return read
    const [row] = read.found
    const app = row?.id && row.confirmedAt ? [{ id: row.id, type: 'totp', confirmedAt: row.confirmedAt }] : []
    const factors = [...app, ...(row?.passkeys ?? [])].map(({ id, type, confirmedAt }) => ({
      id,
      type,
      confirmed_at: instant(confirmedAt),
    }))
    return Response.json({ factors, recovery_codes_left: row?.codesLeft ?? 0 })
  },
)
