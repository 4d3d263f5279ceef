/** GET /v1/api-keys — the caller's keys or, for an administrator with `owner=tenant`, the tenant's; newest first. */
import * as v from 'valibot'
import { readAsCaller } from '../guard/caller.ts'
import { AS_ADMIN, type Demands } from '../guard/demands.ts'
import { openCursor, PAGE, pageAnswer, pageOf } from '../http/cursor.ts'
import { requireKeysInUse } from '../keys/auth-keys.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { ApiKeyAnswer, OwnerKind, presentKey } from './api-key-answer.ts'
import { listKeys } from './api-key-store.ts'

export const listApiKeys = operation(
  {
    id: 'listApiKeys',
    method: 'GET',
    path: '/v1/api-keys',
    query: v.strictObject({ ...PAGE, owner: v.optional(OwnerKind, 'user') }),
    answers: { 200: pageAnswer(ApiKeyAnswer) },
    refusals: ['insufficient_role'],
    caller: 'user',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, query: { limit, cursor, owner } }) => {
    const list = `api-keys of ${owner}`
    const after = await openCursor(ctx, list, cursor, () => requireKeysInUse(ctx, 'api-key'))
    if (isRefusal(after)) return after
    const demands: Demands = owner === 'tenant' ? AS_ADMIN : {}
    const read = await readAsCaller(
      ctx,
      headers,
      'listApiKeys',
      ({ sid }) => listKeys(ctx, { sid, owner, after, limit: limit + 1 }),
      demands,
    )
    if (isRefusal(read)) return read

    const { rows, next_cursor } = await pageOf(ctx, list, {
      rows: read.found,
      limit,
      positionOf: ({ id }) => id,
    })
    return Response.json({ data: rows.map(presentKey), next_cursor })
  },
)
