/**
 * GET /v1/admin/users — Find accounts of the tenant, in pages: the newest first, or, with `email_prefix`, in order of email
 * address. Erased accounts are not listed.
 */
import { listAccounts, positionIn } from '../access/find-store.ts'
import { recordAttempt } from '../events/dispatch.ts'
import { readAsCaller } from '../guard/caller.ts'
import { openCursor, pageAnswer, pageOf } from '../http/cursor.ts'
import { requireKeysInUse } from '../keys/auth-keys.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { readUserQuery, UserQuery } from './user-filters.ts'
import { ListedUserAnswer, presentListed } from './users.ts'

export const listUsers = operation(
  {
    id: 'listUsers',
    method: 'GET',
    path: '/v1/admin/users',
    query: UserQuery,
    answers: { 200: pageAnswer(ListedUserAnswer) },
    refusals: [],
    caller: 'admin',
    permission: 'latchkey:users:read',
    stepUp: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, demands, query }) => {
    const { limit, cursor } = query
    const { filters, names, list } = readUserQuery(query)
    const after = await openCursor(ctx, list, cursor, () => requireKeysInUse(ctx, 'admin'))
    if (isRefusal(after)) return after
    const find = () => listAccounts(ctx, { host: ctx.host }, { filters, after, limit: limit + 1 })
    const read = await readAsCaller(ctx, headers, 'listUsers', find, demands)
    if (isRefusal(read)) return read
    recordAttempt(ctx, 'user.read', { actor: read.caller.userId, data: { filters: names } })
    const positionOf = (account: (typeof read.found)[number]) => positionIn(filters, account)
    const { rows, next_cursor } = await pageOf(ctx, list, { rows: read.found, limit, positionOf })
    return Response.json({ data: rows.map(presentListed), next_cursor })
  },
)
