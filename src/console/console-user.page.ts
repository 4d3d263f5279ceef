/** /console/users/{id} — One person: profile, status, roles, sessions, factors and what happened to the account lately. */
import { findAccounts } from '../access/find-store.ts'
import { findCredentialsOf, listSessionsOf } from '../access/opened-store.ts'
import { readUser } from '../admin/read-user.route.ts'
import { listAuditEvents } from '../audit/list-audit-events.route.ts'
import { findAuditEvents } from '../audit/list-store.ts'
import { recordAttempt } from '../events/dispatch.ts'
import { pathId } from '../http/input.ts'
import { refuse } from '../problem.ts'
import { asks, consolePage, idIn } from './console.ts'
import { maySee } from './desk.ts'
import type { FoundUser } from './views/user.tsx'

const SHOWN_EVENTS = 10

export const consoleUserPage = consolePage('consoleUserPage', {
  path: '/console/users/:id',
  asks: [readUser],
  more: 1,
  ask: (asked) => {
    const { ctx } = asked
    const id = pathId(idIn(asked))
    const where = { host: ctx.host }
    return asks(
      [findAccounts(ctx, where, { id }), listSessionsOf(ctx, where, id), findCredentialsOf(ctx, where, id)],
      async ({ present, found: [[account], sessions, [credentials]] }) => {
        if (!account) return refuse('not_found')
        recordAttempt(ctx, 'user.read', { subject: account.id, actor: present.user.id, data: {} })
        const page = { filters: { subject: id }, after: null, limit: SHOWN_EVENTS, order: 'newest' } as const
        const events = maySee(present, { asks: [listAuditEvents] })
          ? await findAuditEvents(ctx, present.tenant.id, page)
          : null
        if (events !== null)
          recordAttempt(ctx, 'audit.read', {
            actor: present.user.id,
            data: { format: 'json', filters: ['subject'] },
          })
        return { account, sessions, credentials, events } satisfies FoundUser
      },
    )
  },
  view: async (desk, found) => (await import('./views/user.tsx')).user(desk, found),
})
