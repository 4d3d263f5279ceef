/** GET /v1/webhooks — List the tenant's webhook endpoints, newest first, in pages. */
import * as v from 'valibot'
import { readAsCaller } from '../guard/caller.ts'
import { openCursor, PAGE, pageAnswer, pageOf } from '../http/cursor.ts'
import { requireKeysInUse } from '../keys/auth-keys.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { listEndpoints } from './store.ts'
import { EndpointAnswer, presentEndpoint } from './webhooks.ts'

export const listWebhooks = operation(
  {
    id: 'listWebhooks',
    method: 'GET',
    path: '/v1/webhooks',
    query: v.strictObject(PAGE),
    answers: { 200: pageAnswer(EndpointAnswer) },
    refusals: [],
    caller: 'admin',
    permission: 'latchkey:webhooks:read',
    takesKeys: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, demands, query: { limit, cursor } }) => {
    const after = await openCursor(ctx, 'webhooks', cursor, () => requireKeysInUse(ctx, 'webhook'))
    if (isRefusal(after)) return after
    const list = () => listEndpoints(ctx, { after, limit: limit + 1 })
    const read = await readAsCaller(ctx, headers, 'listWebhooks', list, demands)
    if (isRefusal(read)) return read

    const { rows, next_cursor } = await pageOf(ctx, 'webhooks', {
      rows: read.found,
      limit,
      positionOf: ({ id }) => id,
    })
    return Response.json({ data: rows.map(presentEndpoint), next_cursor })
  },
)
