/** /console/audit — The audit log by type, person, session, network and time; a person and a session can be followed. */
import * as v from 'valibot'
import { openAuditRow } from '../audit/audit-events.ts'
import { AuditQuery, readAuditQuery } from '../audit/audit-query.ts'
import { listAuditEvents } from '../audit/list-audit-events.route.ts'
import { findAuditEvents, positionOf } from '../audit/list-store.ts'
import { recordAttempt } from '../events/dispatch.ts'
import { openPersonKeys } from '../events/person-keys.ts'
import { findPersonKeys } from '../events/store.ts'
import { invalidInput } from '../http/body.ts'
import { openCursor, pageOf } from '../http/cursor.ts'
import { requireKeysInUse } from '../keys/auth-keys.ts'
import type { Asked } from '../pages/hosted.ts'
import { isRefusal } from '../problem.ts'
import { AUDIT_FIELDS, auditAsked } from './audit-fields.ts'
import { asks, consolePage } from './console.ts'
import type { FoundEvents } from './views/audit.tsx'

export const consoleAuditPage = consolePage('consoleAuditPage', {
  path: '/console/audit',
  query: { ...AUDIT_FIELDS, cursor: v.optional(v.pipe(v.string(), v.maxLength(300))) },
  asks: [listAuditEvents],
  more: 1,
  ask: async (asked) => {
    const { ctx } = asked
    const list = await readList(asked)
    // Where an event came from is sealed under the key of who caused it: those of the people who are asked for come along.
    const holders = isRefusal(list) ? [] : [list.filters.actor, list.filters.subject]
    return asks(
      [
        findPersonKeys(
          ctx,
          holders.filter((id) => id !== undefined),
        ),
      ],
      async ({ present, found: [keyRows] }): Promise<FoundEvents> => {
        const { cursor: _, ...filters } = auditAsked(asked.c.req.query())
        if (isRefusal(list)) return { events: [], next: null, asked: filters, refusal: list }
        const names = Object.keys(list.filters)
        recordAttempt(ctx, 'audit.read', { actor: present.user.id, data: { format: 'json', filters: names } })
        const page = { ...list, limit: list.limit + 1, order: 'newest' } as const
        const found = await findAuditEvents(ctx, present.tenant.id, page)
        const paged = await pageOf(ctx, list.list, { rows: found, limit: list.limit, positionOf })
        const keys = await openPersonKeys(ctx, keyRows)
        const events = await Promise.all(
          paged.rows.map(async (row) => ({ ...row, client: (await openAuditRow(ctx, keys, row)).client })),
        )
        return { events, next: paged.next_cursor, asked: filters, refusal: null }
      },
    )
  },
  refusedIn: ({ refusal }) => refusal,
  view: async (desk, found) => (await import('./views/audit.tsx')).audit(desk, found),
})

async function readList({ c, ctx }: Asked) {
  const parsed = v.safeParse(AuditQuery, auditAsked(c.req.query()), { abortPipeEarly: true })
  if (!parsed.success) return invalidInput(parsed.issues)
  const { filters, list } = readAuditQuery(parsed.output)
  const { limit, cursor } = parsed.output
  const after = await openCursor(ctx, list, cursor, () => requireKeysInUse(ctx, 'pages'))
  return isRefusal(after) ? after : { filters, list, limit, after }
}
