/**
 * The SQL of the audit log (migrations/audit): extending the chains, reading one to verify it, and its months.
 * It may live in another database, so nothing here joins a table of the main one.
 */
import { sql } from 'drizzle-orm'
import type { Context } from '../context.ts'

type Storage = Pick<Context, 'auditDb'>

/** Where a chain stands: its newest row. Hashes are lower-case hexadecimal. */
export type ChainHead = { sequence: number; hash: string }

export type AuditRow = {
  id: string
  tenantId: string
  sequence: number
  type: string
  actor: string | null
  subject: string | null
  sessionIds: string[]
  data: Record<string, unknown>
  personal: string | null
  /** CIDR; not part of the chain. */
  network: string | null
  occurredAt: Date
  previousHash: string
  hash: string
}

/** One statement, so one snapshot: a row that is not seen was written after the head that is, and moves it. */
export async function findHeads(
  { auditDb }: Storage,
  rows: readonly { id: string; tenantId: string; occurredAt: Date }[],
): Promise<{ heads: Map<string, ChainHead>; written: Set<string> }> {
  const times = rows.map(({ occurredAt }) => occurredAt.getTime())
  const ids = JSON.stringify(rows.map(({ id }) => id))
  const { rows: found } = await auditDb.execute<{
    tenant_id: string | null
    sequence: string | null
    hash: string | null
    id: string | null
  }>(sql`
    select tenant_id, sequence::text, encode(hash, 'hex') as hash, null as id from audit_heads
    where tenant_id in (select value::uuid from jsonb_array_elements_text(${JSON.stringify(rows.map(({ tenantId }) => tenantId))}::jsonb))
    union all
    select null, null, null, id from audit_events
    where id in (select value::uuid from jsonb_array_elements_text(${ids}::jsonb))
      and occurred_at between ${new Date(Math.min(...times)).toISOString()}::timestamptz
        and ${new Date(Math.max(...times)).toISOString()}::timestamptz`)
  return {
    heads: new Map(
      found.flatMap(({ tenant_id, sequence, hash }) =>
        tenant_id && hash ? [[tenant_id, { sequence: Number(sequence), hash }]] : [],
      ),
    ),
    written: new Set(found.flatMap(({ id }) => id ?? [])),
  }
}

export type Extension = { tenantId: string; from: ChainHead; rows: AuditRow[] }

/**
 * Extends each chain by its rows if it still stands where `from` says, in one transaction.
 * @returns the tenants whose chain was extended
 */
export async function extendChains(
  { auditDb }: Storage,
  extensions: readonly Extension[],
): Promise<Set<string>> {
  // In one order, so that two writers of the same tenants cannot wait for each other.
  const ordered = extensions.toSorted((one, other) => (one.tenantId < other.tenantId ? -1 : 1))
  const statements = ordered.map(({ tenantId, from, rows }) => {
    const newest = rows.at(-1) ?? from
    return auditDb.execute<{ tenant_id: string }>(sql`
      with moved as (
        insert into audit_heads (tenant_id, sequence, hash, dropped_hash)
        values (${tenantId}, ${newest.sequence}, decode(${newest.hash}, 'hex'), decode(repeat('0', 64), 'hex'))
        on conflict (tenant_id) do update set sequence = excluded.sequence, hash = excluded.hash
          where audit_heads.sequence = ${from.sequence} and audit_heads.hash = decode(${from.hash}, 'hex')
        returning tenant_id),
      added as (
        insert into audit_events (id, occurred_at, tenant_id, sequence, type, actor, subject, session_ids, data,
          personal, network, previous_hash, hash)
        select row.id, row."occurredAt", moved.tenant_id, row.sequence, row.type, row.actor, row.subject,
          row."sessionIds", row.data, row.personal, row.network, decode(row."previousHash", 'hex'), decode(row.hash, 'hex')
        from moved, jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as row(
          id uuid, "occurredAt" timestamptz, sequence bigint, type text, actor uuid, subject uuid, "sessionIds" uuid[],
          data jsonb, personal text, network cidr, "previousHash" text, hash text))
      select tenant_id from moved`)
  })
  const [first, ...rest] = statements
  if (!first) return new Set()
  const results = await auditDb.batch([first, ...rest])
  return new Set(results.flatMap(({ rows }) => rows.map(({ tenant_id }) => tenant_id)))
}

/**
 * What finds people's rows by address goes; what they say stays sealed under keys that are gone. A row is of whoever did
 * it, else of whom it is about, as `personOf` says.
 */
export async function forgetNetworks({ auditDb }: Storage, userIds: string[]): Promise<void> {
  await auditDb.execute(sql`
    update audit_events set network = null
    where (actor in ${userIds} or (subject in ${userIds} and actor is null)) and network is not null`)
}

export type Chain = { tenantId: string; head: ChainHead; dropped: ChainHead }

/** Every tenant's chain, or one. */
export async function findChains({ auditDb }: Storage, tenantId: string | null): Promise<Chain[]> {
  const { rows } = await auditDb.execute<{
    tenant_id: string
    sequence: string
    hash: string
    dropped_sequence: string
    dropped_hash: string
  }>(sql`
    select tenant_id, sequence::text, encode(hash, 'hex') as hash, dropped_sequence::text,
      encode(dropped_hash, 'hex') as dropped_hash
    from audit_heads where ${tenantId}::uuid is null or tenant_id = ${tenantId}::uuid order by tenant_id`)
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    head: { sequence: Number(row.sequence), hash: row.hash },
    dropped: { sequence: Number(row.dropped_sequence), hash: row.dropped_hash },
  }))
}

/** The next rows of a chain, in its order: by the column, not by the text that it is read as. */
export async function readChain(
  { auditDb }: Storage,
  { tenantId, after, limit }: { tenantId: string; after: number; limit: number },
): Promise<AuditRow[]> {
  const { rows } = await auditDb.execute<StoredRow>(sql`
    select ${auditColumns} from audit_events
    where tenant_id = ${tenantId} and sequence > ${after} order by audit_events.sequence limit ${limit}`)
  return rows.map(auditRowOf)
}

/** The columns of `audit_events` as `auditRowOf` reads them. */
export const auditColumns = sql`id, tenant_id, sequence::text, type, actor, subject, to_jsonb(session_ids) as session_ids,
  data, personal, network::text, occurred_at, encode(previous_hash, 'hex') as previous_hash, encode(hash, 'hex') as hash`

export type StoredRow = {
  id: string
  tenant_id: string
  sequence: string
  type: string
  actor: string | null
  subject: string | null
  session_ids: string[]
  data: Record<string, unknown>
  personal: string | null
  network: string | null
  occurred_at: string
  previous_hash: string
  hash: string
}

export const auditRowOf = (row: StoredRow): AuditRow => ({
  id: row.id,
  tenantId: row.tenant_id,
  sequence: Number(row.sequence),
  type: row.type,
  actor: row.actor,
  subject: row.subject,
  sessionIds: row.session_ids,
  data: row.data,
  personal: row.personal,
  network: row.network,
  occurredAt: new Date(row.occurred_at),
  previousHash: row.previous_hash,
  hash: row.hash,
})
