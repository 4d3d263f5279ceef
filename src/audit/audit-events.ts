/** The audit log as an administrator sees it. What is personal is opened here, with the keys of those not erased. */
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { EVENTS, type EventType, isEventType } from '../events/catalogue.ts'
import { holderOf, openPersonal, readPersonKeys } from '../events/person-keys.ts'
import { AnsweredInstant, instant } from '../http/answer.ts'
import { streamText } from '../http/stream-text.ts'
import { faultOf } from '../problem.ts'
import { lastingDatabases, PAGE_ROWS } from '../storage/lasting.ts'
import type { AuditRow } from './audit-store.ts'
import { type AuditFilters, findAuditEvents, positionOf } from './list-store.ts'

type Reader = Pick<Context, 'db' | 'auditDb' | 'settings' | 'random' | 'log'>

/** The types that a filter names: one of EVENTS.md, or all that begin alike, as `session.*` does; none for other text. */
export function typesOf(filter: string): EventType[] {
  if (isEventType(filter)) return [filter]
  if (!filter.endsWith('.*')) return []
  return Object.keys(EVENTS).flatMap((type) =>
    isEventType(type) && type.startsWith(filter.slice(0, -1)) ? type : [],
  )
}

/** An event as an administrator sees it; EVENTS.md says what is in `data`. */
export const AuditEventAnswer = v.object({
  id: v.pipe(v.string(), v.uuid()),
  type: v.string(),
  occurred_at: AnsweredInstant,
  actor: v.nullable(v.string()),
  subject: v.nullable(v.string()),
  session_ids: v.nullable(v.array(v.string())),
  data: v.record(v.string(), v.unknown()),
  address: v.nullable(v.string()),
  country: v.nullable(v.string()),
  city: v.nullable(v.string()),
  network: v.nullable(v.string()),
  user_agent: v.nullable(v.string()),
  request_id: v.nullable(v.string()),
  client_unreadable: v.exactOptional(v.literal(true)),
  sequence: v.number(),
})

export async function presentAuditEvents(ctx: Omit<Reader, 'auditDb'>, rows: AuditRow[]) {
  const keys = await readPersonKeys(ctx, [...new Set(rows.map(holderOf))])
  return Promise.all(
    rows.map(async (row) => {
      const { client: personal, isUnreadable } = await openPersonal(ctx, keys, row)
      return {
        id: row.id,
        type: row.type,
        occurred_at: instant(row.occurredAt),
        actor: row.actor,
        subject: row.subject,
        session_ids: row.sessionIds,
        data: row.data,
        address: personal?.address ?? null,
        country: personal?.country ?? null,
        city: personal?.city ?? null,
        network: personal?.network ?? null,
        user_agent: personal?.user_agent ?? null,
        request_id: personal?.request_id ?? null,
        ...(isUnreadable && { client_unreadable: true }),
        sequence: row.sequence,
      }
    }),
  )
}

/** All that matches, oldest first, as NDJSON. */
export function streamAuditEvents(
  ctx: Pick<Context, 'settings' | 'random' | 'log'>,
  tenantId: string,
  filters: AuditFilters,
): ReadableStream<Uint8Array> {
  const counted = { rows: 0 }
  const reader = { ...ctx, ...lastingDatabases(ctx.settings) }
  return streamText(writePages(reader, tenantId, filters, counted), {
    done: () => ctx.log('info', 'audit exported', counted),
    left: () => ctx.log('info', 'audit export left by its caller', counted),
    cut: (error) => ctx.log('error', 'audit export cut', { ...counted, cause: faultOf(error).message }),
  })
}

async function* writePages(
  reader: Reader,
  tenantId: string,
  filters: AuditFilters,
  counted: { rows: number },
): AsyncGenerator<string> {
  let after: string | null = null
  for (;;) {
    const page = { filters, after, limit: PAGE_ROWS, order: 'oldest' } as const
    const rows: AuditRow[] = await findAuditEvents(reader, tenantId, page)
    const events = await presentAuditEvents(reader, rows)
    counted.rows += rows.length
    if (rows.length > 0) yield events.map((event) => `${JSON.stringify(event)}\n`).join('')
    const last = rows.at(-1)
    if (rows.length < PAGE_ROWS || !last) return
    after = positionOf(last)
  }
}
