/** The audit log as an administrator sees it. What is personal is opened here, with the keys of those not erased. */
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { EVENTS, type EventType, isEventType } from '../events/catalogue.ts'
import { holderOf, openPersonal, type PersonKeys, readPersonKeys } from '../events/person-keys.ts'
import { AnsweredInstant, instant } from '../http/answer.ts'
import { type StreamEnd, streamText } from '../http/stream-text.ts'
import type { LogFields } from '../log.ts'
import { faultOf } from '../problem.ts'
import { lastingDatabases, PAGE_ROWS, pagesOf } from '../storage/lasting.ts'
import type { AuditRow } from './audit-store.ts'
import { type AuditFilters, findAuditEvents, positionOf } from './list-store.ts'

type Reader = Pick<Context, 'db' | 'auditDb' | 'settings' | 'random' | 'log'>

/** The types that a filter names: one of docs/events.md, or all that begin alike, as `session.*` does; none for other text. */
export function typesOf(filter: string): EventType[] {
  if (isEventType(filter)) return [filter]
  if (!filter.endsWith('.*')) return []
  return Object.keys(EVENTS).flatMap((type) =>
    isEventType(type) && type.startsWith(filter.slice(0, -1)) ? type : [],
  )
}

/** An event as an administrator sees it; docs/events.md says what is in `data`. */
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
  /** Of a call with an API key; `actor` is its owner then, and null where it is the tenant's. */
  api_key_id: v.nullable(v.string()),
  request_id: v.nullable(v.string()),
  client_unreadable: v.exactOptional(v.literal(true)),
  sequence: v.number(),
})

export async function presentAuditEvents(ctx: Omit<Reader, 'auditDb'>, rows: AuditRow[]) {
  const keys = await readPersonKeys(ctx, [...new Set(rows.map(holderOf))])
  return Promise.all(
    rows.map(async (row) => {
      const { event, client, unreadable } = await openAuditRow(ctx, keys, row)
      return {
        ...event,
        address: client?.address ?? null,
        country: client?.country ?? null,
        city: client?.city ?? null,
        network: client?.network ?? null,
        user_agent: client?.user_agent ?? null,
        api_key_id: client?.api_key_id ?? null,
        request_id: client?.request_id ?? null,
        ...unreadable,
        sequence: row.sequence,
      }
    }),
  )
}

/** What a row says to each of its readers, and from where it was done, as far as `keys` open that. */
export async function openAuditRow(ctx: Pick<Context, 'settings'>, keys: PersonKeys, row: AuditRow) {
  const { client, isUnreadable } = await openPersonal(ctx, keys, row)
  const event = {
    id: row.id,
    type: row.type,
    occurred_at: instant(row.occurredAt),
    actor: row.actor,
    subject: row.subject,
    session_ids: row.sessionIds,
    data: row.data,
  }
  return { event, client, unreadable: isUnreadable ? { client_unreadable: true } : {} }
}

/**
 * An export: read from the databases that last as long as its caller takes it. A failure cuts it, and is logged.
 * @param what its name in the log
 * @param write yields its text
 * @param said what its log lines say besides, at their time
 */
export function streamExport<Ctx extends Pick<Context, 'settings' | 'log'>>(
  ctx: Ctx,
  what: string,
  write: (reader: Ctx & ReturnType<typeof lastingDatabases>) => AsyncGenerator<string>,
  end: Omit<StreamEnd, 'cut'> = {},
  said: LogFields = {},
): ReadableStream<Uint8Array> {
  return streamText(write({ ...ctx, ...lastingDatabases(ctx.settings) }), {
    ...end,
    cut: (error) => ctx.log('error', `${what} cut`, { ...said, cause: faultOf(error).message }),
  })
}

/** All that matches, oldest first, as NDJSON. */
export function streamAuditEvents(
  ctx: Pick<Context, 'settings' | 'random' | 'log'>,
  tenantId: string,
  filters: AuditFilters,
): ReadableStream<Uint8Array> {
  const counted = { rows: 0 }
  const end = {
    done: () => ctx.log('info', 'audit exported', counted),
    left: () => ctx.log('info', 'audit export aborted by the client', counted),
  }
  const write = (reader: Reader) => writePages(reader, tenantId, filters, counted)
  return streamExport(ctx, 'audit export', write, end, counted)
}

async function* writePages(
  reader: Reader,
  tenantId: string,
  filters: AuditFilters,
  counted: { rows: number },
): AsyncGenerator<string> {
  const page = { filters, limit: PAGE_ROWS, order: 'oldest' } as const
  const readAfter = (last: AuditRow | null) =>
    findAuditEvents(reader, tenantId, { ...page, after: last && positionOf(last) })
  for await (const rows of pagesOf(readAfter)) {
    const events = await presentAuditEvents(reader, rows)
    counted.rows += rows.length
    if (rows.length > 0) yield events.map((event) => `${JSON.stringify(event)}\n`).join('')
  }
}
