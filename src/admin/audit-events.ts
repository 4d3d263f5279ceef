/** The audit log as an administrator sees it. What is personal is opened here, with the keys of those not erased. */
import type { Context } from '../context.ts'
import type { AuditRow } from '../events/audit-store.ts'
import { EVENTS, type EventType, isEventType } from '../events/catalogue.ts'
import { openIfKept, personOf, readPersonKeys } from '../events/person-keys.ts'
import { instant } from '../http/answer.ts'
import { faultOf } from '../problem.ts'
import { createDatabase } from '../storage/postgres.ts'
import { createTrips } from '../storage/trips.ts'
import { type AuditFilters, listAuditEvents, positionOf } from './store.ts'

type Reader = Pick<Context, 'db' | 'auditDb' | 'settings' | 'random'>

/** The types that a filter names: one of EVENTS.md, or all that begin alike, as `session.*` does; none for other text. */
export function typesOf(filter: string): EventType[] {
  if (isEventType(filter)) return [filter]
  if (!filter.endsWith('.*')) return []
  return Object.keys(EVENTS).flatMap((type) =>
    isEventType(type) && type.startsWith(filter.slice(0, -1)) ? type : [],
  )
}

export async function presentAuditEvents(ctx: Pick<Reader, 'db' | 'settings' | 'random'>, rows: AuditRow[]) {
  const keys = await readPersonKeys(ctx, [...new Set(rows.flatMap((row) => personOf(row) ?? []))])
  return Promise.all(
    rows.map(async (row) => {
      const personal = await openIfKept(ctx, keys, row)
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
        sequence: row.sequence,
      }
    }),
  )
}

const PAGE_ROWS = 500
/** A caller who reads slowly is served for so long. */
const EXPORT_MS = 15 * 60_000

/**
 * All that matches, oldest first, a page in memory at a time and the next one only when the caller has taken it.
 * A failure in the middle cuts the connection: what is there must not look like all there is.
 */
export function streamAuditEvents(
  ctx: Pick<Context, 'settings' | 'random' | 'log'>,
  tenantId: string,
  filters: AuditFilters,
): ReadableStream<Uint8Array> {
  // The deadlines of a request are those of an answer; this one takes as long as its pages.
  const { jobPostgresTimeoutMs: perPage, auditDatabaseUrl, databaseUrl } = ctx.settings
  const trips = createTrips({ postgres: perPage, redis: perPage, request: EXPORT_MS })
  const reader = {
    ...ctx,
    db: createDatabase(databaseUrl, trips),
    auditDb: createDatabase(auditDatabaseUrl, trips),
  }
  let after: string | null = null
  let count = 0
  let isGone = false
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    try {
      const rows = await listAuditEvents(reader, tenantId, {
        filters,
        after,
        limit: PAGE_ROWS,
        order: 'oldest',
      })
      const lines = (await presentAuditEvents(reader, rows)).map((event) => `${JSON.stringify(event)}\n`)
      if (isGone) return
      const last = rows.at(-1)
      if (last) {
        after = positionOf(last)
        count += rows.length
        controller.enqueue(new TextEncoder().encode(lines.join('')))
      }
      if (rows.length === PAGE_ROWS) return
      ctx.log('info', 'audit exported', { rows: count })
      controller.close()
    } catch (error) {
      ctx.log('error', 'audit export cut', { rows: count, cause: faultOf(error).message })
      controller.error(new Error('the export could not be completed'))
    }
  }
  const cancel = () => {
    isGone = true
    ctx.log('info', 'audit export left by its caller', { rows: count })
  }
  // Nothing is read before it is asked for: nobody asks for the body of a HEAD.
  return new ReadableStream<Uint8Array>({ pull, cancel }, { highWaterMark: 0 })
}
