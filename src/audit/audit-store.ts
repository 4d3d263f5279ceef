/**
 * The SQL of the audit log (migrations/audit): extending the chains, reading one to verify it, and its months.
 * It may live in another database, so nothing here joins a table of the main one.
 */
import { type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { BigInteger, type Row, rowsOf, Time } from '../storage/rows.ts'

type Storage = Pick<Context, 'auditDb'>

/** Where a chain ends: its newest row. Hashes are lower-case hexadecimal. */
export type ChainHead = { sequence: number; hash: string }

const AUDIT_ROW = {
  id: v.string(),
  tenantId: v.string(),
  sequence: BigInteger,
  type: v.string(),
  actor: v.nullable(v.string()),
  subject: v.nullable(v.string()),
  sessionIds: v.array(v.string()),
  data: v.record(v.string(), v.unknown()),
  personal: v.nullable(v.string()),
  /** CIDR; not part of the chain. */
  network: v.nullable(v.string()),
  occurredAt: Time,
  previousHash: v.string(),
  hash: v.string(),
}

export type AuditRow = Row<typeof AUDIT_ROW>

/** A row that has no place in a chain yet. `said` is what its hash says after its place and its predecessor (audit.ts). */
export type NewAuditRow = Omit<AuditRow, 'sequence' | 'previousHash' | 'hash'> & { said: string }

/** What was added to a tenant's chain, and where that ends now. */
export type Extended = { tenantId: string; rows: number; head: ChainHead }

/** Longer than a job may take: a batch that begins later finds that the key is gone, and has nothing personal to write. */
const MARKED_FOR = sql`interval '1 hour'`

const markedErased = sql`select user_id from audit_erased where erased_at > now() - ${MARKED_FOR}`

/**
 * Adds the rows that are not there yet to their tenants' chains, in one transaction and one trip. The first statement
 * locks the heads, in one order, so that two writers of the same tenants cannot wait for each other; the second one's
 * snapshot is later than the lock, so it sees every row that was written before, and chains the others: PostgreSQL
 * hashes, so no answer of ours is waited for while a head is locked, and no writer comes too late. For the same reason it
 * sees every erasure that did not wait for it (`markErased`).
 */
export async function extendChains({ auditDb }: Storage, rows: readonly NewAuditRow[]): Promise<Extended[]> {
  const tenants = JSON.stringify([...new Set(rows.map(({ tenantId }) => tenantId))])
  const times = rows.map(({ occurredAt }) => occurredAt.getTime())
  const lock = sql`
    insert into audit_heads (tenant_id, sequence, hash, dropped_hash)
    select value::uuid, 0, decode(repeat('0', 64), 'hex'), decode(repeat('0', 64), 'hex')
    from jsonb_array_elements_text(${tenants}::jsonb) order by value::uuid
    on conflict (tenant_id) do update set sequence = audit_heads.sequence`
  const extend = sql`
    with recursive given as materialized (
      select * from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as given(
        id uuid, "tenantId" uuid, "occurredAt" timestamptz, type text, actor uuid, subject uuid, "sessionIds" uuid[],
        data jsonb, personal text, network cidr, said text)),
    missing as materialized (
      select id, "tenantId", said, row_number() over (partition by "tenantId" order by id) as place from given
      where not exists (
        select from audit_events where audit_events.id = given.id and audit_events.occurred_at = given."occurredAt"
          and audit_events.occurred_at between ${new Date(Math.min(...times)).toISOString()}::timestamptz
            and ${new Date(Math.max(...times)).toISOString()}::timestamptz)),
    chained as (
      select 0::bigint as place, tenant_id, null::uuid as id, sequence, null::bytea as previous_hash, hash
      from audit_heads where tenant_id in (select value::uuid from jsonb_array_elements_text(${tenants}::jsonb))
      union all
      select missing.place, chained.tenant_id, missing.id, chained.sequence + 1, chained.hash,
        ${hashOf(sql`chained.sequence + 1`, sql`chained.hash`, sql`missing.said`)}
      from chained join missing on missing."tenantId" = chained.tenant_id and missing.place = chained.place + 1),
    added as (
      insert into audit_events (id, occurred_at, tenant_id, sequence, type, actor, subject, session_ids, data,
        personal, network, previous_hash, hash)
      select given.id, given."occurredAt", given."tenantId", chained.sequence, given.type, given.actor, given.subject,
        given."sessionIds", given.data, given.personal,
        case when coalesce(given.actor, given.subject) in (${markedErased}) then null else given.network end,
        chained.previous_hash, chained.hash
      from chained join given on given.id = chained.id),
    newest as (
      select distinct on (tenant_id) tenant_id, place, sequence, hash from chained order by tenant_id, place desc)
    update audit_heads set sequence = newest.sequence, hash = newest.hash from newest
    where audit_heads.tenant_id = newest.tenant_id and newest.place > 0
    returning audit_heads.tenant_id, newest.place::int as rows, audit_heads.sequence::text, encode(audit_heads.hash, 'hex') as hash`
  const columns = { tenantId: v.string(), rows: v.number(), sequence: BigInteger, hash: v.string() }
  const [, extended] = await auditDb.batch([auditDb.execute(lock), rowsOf(auditDb, columns)(extend)])
  return extended.map(({ tenantId, rows: added, ...head }) => ({ tenantId, rows: added, head }))
}

/** `hashRow` of audit.ts in SQL: the place and the predecessor open the list whose end is `said`. */
const hashOf = (sequence: SQL, previousHash: SQL, said: SQL) =>
  sql`sha256(convert_to('[' || (${sequence})::text || ',"' || encode(${previousHash}, 'hex') || '",' || ${said}, 'UTF8'))`

/**
 * Says whose key is gone, to batches that read it before. The lock waits until every batch that has begun to write has
 * committed, and holds back the others: these see the mark, and those are seen by `forgetNetworks`, which comes after.
 */
export async function markErased({ auditDb }: Storage, userIds: readonly string[]): Promise<void> {
  await auditDb.batch([
    auditDb.execute(sql`lock table audit_heads in share row exclusive mode`),
    auditDb.execute(sql`delete from audit_erased where erased_at <= now() - ${MARKED_FOR}`),
    auditDb.execute(sql`
      insert into audit_erased (user_id)
      select value::uuid from jsonb_array_elements_text(${JSON.stringify(userIds)}::jsonb)
      on conflict (user_id) do update set erased_at = now()`),
  ])
}

/**
 * What finds people's rows by address goes; what they say stays sealed under keys that are gone. A row is of the account that did
 * it, else of the one that it is about, as `personOf` says.
 */
export async function forgetNetworks({ auditDb }: Storage, userIds: string[]): Promise<void> {
  await auditDb.execute(sql`
    update audit_events set network = null
    where (actor in ${userIds} or (subject in ${userIds} and actor is null)) and network is not null`)
}

export type Chain = { tenantId: string; head: ChainHead; dropped: ChainHead }

const CHAIN = {
  tenantId: v.string(),
  sequence: BigInteger,
  hash: v.string(),
  droppedSequence: BigInteger,
  droppedHash: v.string(),
}

/** Every tenant's chain, or one. */
export async function findChains({ auditDb }: Storage, tenantId: string | null): Promise<Chain[]> {
  const rows = await rowsOf(
    auditDb,
    CHAIN,
  )(sql`
    select tenant_id, sequence::text, encode(hash, 'hex') as hash, dropped_sequence::text,
      encode(dropped_hash, 'hex') as dropped_hash
    from audit_heads where ${tenantId}::uuid is null or tenant_id = ${tenantId}::uuid order by tenant_id`)
  return rows.map(({ tenantId: of, droppedSequence, droppedHash, ...head }) => ({
    tenantId: of,
    head,
    dropped: { sequence: droppedSequence, hash: droppedHash },
  }))
}

/** The next rows of a chain, in its order: by the column, not by the text that it is read as. */
export async function readChain(
  { auditDb }: Storage,
  { tenantId, after, limit }: { tenantId: string; after: number; limit: number },
): Promise<AuditRow[]> {
  return auditRows(auditDb)(sql`
    select ${auditColumns} from audit_events
    where tenant_id = ${tenantId} and sequence > ${after} order by audit_events.sequence limit ${limit}`)
}

/** The columns of `audit_events` as `auditRows` reads them. */
export const auditColumns = sql`id, tenant_id, sequence::text, type, actor, subject, to_jsonb(session_ids) as session_ids,
  data, personal, network::text, occurred_at, encode(previous_hash, 'hex') as previous_hash, encode(hash, 'hex') as hash`

export const auditRows = (auditDb: Storage['auditDb']) => rowsOf(auditDb, AUDIT_ROW)
