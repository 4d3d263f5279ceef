/** The SQL of the export: the sections that the tables' owners declare, and the person's rows of the audit log. */
import { type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { type AuditRow, auditColumns, auditRows } from '../audit/audit-store.ts'
import type { Context } from '../context.ts'
import type { Person, Section } from '../storage/personal-data.ts'
import { type Row, rowsOf } from '../storage/rows.ts'

/** A row as JSON text, and its place in the section. */
const EXPORTED = { key: v.string(), item: v.string() }
export type ExportedRow = Row<typeof EXPORTED>

/** The next rows of a section, after the key `after`; to be awaited, or put into a batch. */
export function readSection(
  { db }: Pick<Context, 'db'>,
  { of, key, members }: Section,
  person: Person,
  { after, limit }: { after: string | null; limit: number },
) {
  const pairs = Object.entries(members).map(([member, [, value]]) => sql`${sql.raw(`'${member}'`)}, ${value}`)
  const rest = after === null ? sql`` : sql`and ${key} > ${after}`
  return rowsOf(
    db,
    EXPORTED,
  )(sql`
    select ${key} as key, json_build_object(${sql.join(pairs, sql`, `)})::text as item
    from ${of(person)} ${rest} order by ${key} limit ${limit}`)
}

/** The person's next rows of the audit log, oldest first: what they did, and what was done about them. */
export async function readPersonAudit(
  { auditDb }: Pick<Context, 'auditDb'>,
  { userId, tenantId }: Person,
  { after, limit }: { after: Pick<AuditRow, 'id' | 'occurredAt'> | null; limit: number },
): Promise<AuditRow[]> {
  const at = after?.occurredAt.toISOString() ?? '-infinity'
  // Two branches, so that each walks its index in the order of the answer.
  const branch = (whose: SQL) => sql`(
    select * from audit_events where ${whose} and tenant_id = ${tenantId}
      and (occurred_at, id) > (${at}::timestamptz, ${after?.id ?? '00000000-0000-0000-0000-000000000000'}::uuid)
    order by occurred_at, id limit ${limit})`
  return auditRows(auditDb)(sql`
    select ${auditColumns} from (
      ${branch(sql`subject = ${userId}`)} union all
      ${branch(sql`actor = ${userId} and subject is distinct from ${userId}::uuid`)}) as audit_events
    order by occurred_at, id limit ${limit}`)
}
