/** /console/users — Find people by the beginning of their address, status, role, external id or id, in pages. */
import * as v from 'valibot'
import { type ListedAccount, listAccounts, positionIn } from '../access/find-store.ts'
import { listUsers } from '../admin/list-users.route.ts'
import { readUserQuery, UserQuery } from '../admin/user-filters.ts'
import { recordAttempt } from '../events/dispatch.ts'
import { invalidInput } from '../http/body.ts'
import { openCursor, pageOf } from '../http/cursor.ts'
import { text, UUID } from '../http/input.ts'
import { requireKeysInUse } from '../keys/auth-keys.ts'
import { type Asked, seeOther } from '../pages/hosted.ts'
import { isRefusal } from '../problem.ts'
import { asks, consolePage, queryFor } from './console.ts'
import { leadsTo } from './desk.ts'
import type { FoundUsers } from './views/users.tsx'

const Typed = v.optional(text(320))

export const consoleUsersPage = consolePage('consoleUsersPage', {
  path: '/console/users',
  query: {
    id: Typed,
    email_prefix: Typed,
    status: Typed,
    role: Typed,
    external_id: Typed,
    cursor: v.optional(text(300)),
  },
  asks: [listUsers],
  ask: async (asked) => {
    const { ctx, flow } = asked
    const given = queryFor(listUsers, asked)
    const list = await readList(asked, given)
    const page = isRefusal(list) ? NOTHING : { ...list, limit: list.limit + 1 }
    return asks(
      [listAccounts(ctx, { host: ctx.host }, page)],
      async ({ present, found: [found] }): Promise<FoundUsers | Response> => {
        const id = asked.c.req.query('id')?.trim().toLowerCase() ?? ''
        if (UUID.test(id)) return seeOther(leadsTo(flow, `/console/users/${id}`))
        const { cursor: _, ...filters } = given
        if (isRefusal(list)) return { accounts: [], next: null, asked: filters, refusal: list }
        recordAttempt(ctx, 'user.read', { actor: present.user.id, data: { filters: list.names } })
        const positionOf = (account: ListedAccount) => positionIn(list.filters, account)
        const { rows, next_cursor } = await pageOf(ctx, list.list, {
          rows: found,
          limit: list.limit,
          positionOf,
        })
        return { accounts: rows, next: next_cursor, asked: filters, refusal: null }
      },
    )
  },
  refusedIn: ({ refusal }) => refusal,
  view: async (desk, found) => (await import('./views/users.tsx')).users(desk, found),
})

/** Finds no one: what is asked is refused. */
const NOTHING = { filters: {}, after: null, limit: 0 }

async function readList({ ctx }: Asked, given: Record<string, string>) {
  const parsed = v.safeParse(UserQuery, given, { abortPipeEarly: true })
  if (!parsed.success) return invalidInput(parsed.issues)
  const { filters, names, list } = readUserQuery(parsed.output)
  const { limit, cursor } = parsed.output
  const after = await openCursor(ctx, list, cursor, () => requireKeysInUse(ctx, 'pages'))
  return isRefusal(after) ? after : { filters, names, list, limit, after }
}
