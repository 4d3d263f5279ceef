/** The SQL of administration. The audit log may be in a database of its own, so its tenant is given, never joined. */
import { type SQL, sql } from 'drizzle-orm'
import type { Context } from '../context.ts'
import type { EventType } from '../events/catalogue.ts'
import { networkOf } from '../http/client.ts'
import { type AuditRow, auditColumns, auditRows } from './audit-store.ts'

export type AuditFilters = {
  [Name in 'actor' | 'subject' | 'session' | 'address' | 'from' | 'to']?: string | undefined
} & { type?: EventType[] | undefined }

/** The place of a row in the order of the list, which no row that comes later changes. */
export const positionOf = ({ occurredAt, id }: AuditRow): string => `${occurredAt.toISOString()} ${id}`

/** @param page.after the position of the row that the page before ended with */
export async function findAuditEvents(
  { auditDb }: Pick<Context, 'auditDb'>,
  tenantId: string,
  page: { filters: AuditFilters; after: string | null; limit: number; order: 'newest' | 'oldest' },
): Promise<AuditRow[]> {
  const { filters, after, limit, order } = page
  const [at, id] = after?.split(' ') ?? []
  const where = [sql`tenant_id = ${tenantId}`, ...conditions(filters)]
  const isNewest = order === 'newest'
  if (at && id)
    where.push(sql`(occurred_at, id) ${isNewest ? sql`<` : sql`>`} (${at}::timestamptz, ${id}::uuid)`)
  return auditRows(auditDb)(sql`
    select ${auditColumns} from audit_events where ${sql.join(where, sql` and `)}
    order by occurred_at ${isNewest ? sql`desc` : sql`asc`}, id ${isNewest ? sql`desc` : sql`asc`} limit ${limit}`)
}

function conditions({ type, actor, subject, session, address, from, to }: AuditFilters): SQL[] {
  const network = address === undefined ? null : networkOf(address)
  return [
    type !== undefined && sql`type in ${type}`,
    actor !== undefined && sql`actor = ${actor}`,
    subject !== undefined && sql`subject = ${subject}`,
    session !== undefined && sql`session_ids @> array[${session}::uuid]`,
    network !== null && sql`network <<= ${network}::cidr`,
    from !== undefined && sql`occurred_at >= ${from}::timestamptz`,
    to !== undefined && sql`occurred_at < ${to}::timestamptz`,
  ].filter((condition) => condition !== false)
}
