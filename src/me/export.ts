/**
 * Everything that is held about a person, as one JSON document: a page of rows in memory at a time, and the next one only
 * when the caller has taken it. A failure in the middle cuts the connection and leaves the document open: what is there
 * can never look like all there is.
 */

import { openAuditRow, streamExport } from '../audit/audit-events.ts'
import type { AuditRow } from '../audit/audit-store.ts'
import type { Context } from '../context.ts'
import { recordAttempt } from '../events/dispatch.ts'
import { type PersonKeys, readPersonKeys } from '../events/person-keys.ts'
import { readCaller } from '../guard/caller.ts'
import { STEP_UP } from '../guard/demands.ts'
import { instant } from '../http/answer.ts'
import { SECTIONS } from '../personal-data.ts'
import { isRefusal, type Refusal } from '../problem.ts'
import { PAGE_ROWS, pagesOf } from '../storage/lasting.ts'
import type { Person, Section } from '../storage/personal-data.ts'
import type { Tenant } from '../tenants/tenants.ts'
import { type ExportedRow, readPersonAudit, readSection } from './export-store.ts'

export const EXPORT_SCHEMA = 'latchkey.export.v1'

type Reader = Pick<Context, 'db' | 'auditDb' | 'settings'>

/** The first page of everything, read while a failure can still be answered. */
type FirstPages = { sections: ExportedRow[][]; audit: AuditRow[]; keys: PersonKeys }

/** The caller's document, as a file. @returns refusals as `readCaller`, `insufficient_user_authentication` */
export async function exportSelf(ctx: Context, headers: Headers): Promise<Response | Refusal> {
  const known = await readCaller(ctx, headers, 'exportMe', STEP_UP)
  if (isRefusal(known)) return known
  const { tenant, userId, sessionId } = known.caller
  const document = await exportPerson(ctx, tenant, userId)
  recordAttempt(ctx, 'user.exported', { subject: userId, actor: userId, data: { session_id: sessionId } })
  return new Response(document, {
    headers: {
      'content-type': 'application/json',
      'content-disposition': 'attachment; filename="latchkey-export.json"',
    },
  })
}

/** @returns the document, whose first pages are read already */
export async function exportPerson(
  ctx: Pick<Context, 'db' | 'auditDb' | 'settings' | 'random' | 'log' | 'now'>,
  tenant: Tenant,
  userId: string,
): Promise<ReadableStream<Uint8Array>> {
  const person = { userId, tenantId: tenant.id }
  const first = await readFirstPages(ctx, person)
  const head = {
    schema: EXPORT_SCHEMA,
    exported_at: instant(ctx.now()),
    tenant: { id: tenant.id, name: tenant.name, issuer: tenant.issuer },
  }
  return streamExport(ctx, 'export of a person', (reader) => writeDocument(reader, person, head, first))
}

/** One batch for what the database has, and the audit log and the person's key beside it. */
async function readFirstPages(
  ctx: Pick<Context, 'db' | 'auditDb' | 'settings' | 'random' | 'log'>,
  person: Person,
): Promise<FirstPages> {
  const page = { after: null, limit: PAGE_ROWS }
  const [first, ...rest] = SECTIONS.map(([, section]) => readSection(ctx, section, person, page))
  if (!first) throw new RangeError('there are no sections')
  const [results, audit, keys] = await Promise.all([
    ctx.db.batch([first, ...rest]),
    readPersonAudit(ctx, person, page),
    readPersonKeys(ctx, [person.userId]),
  ])
  return { sections: results, audit, keys }
}

async function* writeDocument(
  reader: Reader,
  person: Person,
  head: Record<string, unknown>,
  first: FirstPages,
): AsyncGenerator<string> {
  yield JSON.stringify(head).slice(0, -1)
  for (const [index, [name, section]] of SECTIONS.entries()) {
    const rows = first.sections[index] ?? []
    if (section.isOne) yield `,"${name}":${rows[0]?.item ?? 'null'}`
    else yield* writeList(name, sectionPages(reader, section, person, rows))
  }
  yield* writeList('audit_events', auditPages(reader, person, first))
  yield '}\n'
}

async function* writeList(name: string, pages: AsyncGenerator<string[]>): AsyncGenerator<string> {
  let before = `,"${name}":[`
  for await (const items of pages) {
    if (items.length === 0) continue
    yield before + items.join(',\n')
    before = ',\n'
  }
  yield before === ',\n' ? ']' : `${before}]`
}

async function* sectionPages(
  reader: Reader,
  section: Section,
  person: Person,
  first: ExportedRow[],
): AsyncGenerator<string[]> {
  const readAfter = (last: ExportedRow | null) =>
    readSection(reader, section, person, { after: last?.key ?? null, limit: PAGE_ROWS })
  for await (const rows of pagesOf(readAfter, first)) yield rows.map(({ item }) => item)
}

async function* auditPages(
  reader: Reader,
  person: Person,
  { audit, keys }: FirstPages,
): AsyncGenerator<string[]> {
  const readAfter = (after: AuditRow | null) => readPersonAudit(reader, person, { after, limit: PAGE_ROWS })
  for await (const rows of pagesOf(readAfter, audit))
    yield await Promise.all(rows.map((row) => presentAudit(reader, keys, row)))
}

/** A row as its person sees it. Where another account did it, from where is theirs to know: `keys` cannot open it. */
async function presentAudit(ctx: Pick<Context, 'settings'>, keys: PersonKeys, row: AuditRow) {
  const { event, client, unreadable } = await openAuditRow(ctx, keys, row)
  return JSON.stringify({ ...event, client, ...unreadable })
}
