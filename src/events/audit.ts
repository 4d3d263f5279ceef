/**
 * The audit log: every event once, in one chain per tenant. Each row carries the hash of the row before it, so that
 * nobody can change, remove or insert one without breaking what follows; the newest hash is also in the log line of
 * each write, where whoever can write to the database cannot reach it.
 */
import type { Context, JobContext } from '../context.ts'
import { Fault } from '../problem.ts'
import { type AuditRow, type ChainHead, extendChains, findHeads, forgetNetworks } from './audit-store.ts'
import { carriedBy, type Happened } from './catalogue.ts'
import { holderOf, type PersonKeys, readPersonKeys, requirePersonKeys, sealPersonal } from './person-keys.ts'
import type { Sink } from './sink.ts'
import { erasePersonKeys } from './store.ts'

export const auditSink: Sink = { name: 'audit', take: writeAudit }

/** Writers of one tenant's chain take turns; more than this many in a row that came too late is a fault. */
const MAX_TURNS = 20

/** Before the first row. */
export const NO_HEAD: ChainHead = { sequence: 0, hash: '0'.repeat(64) }

async function writeAudit(ctx: JobContext, events: readonly Happened[]): Promise<null> {
  const keys = await requirePersonKeys(ctx, [...new Set(events.map(holderOf))])
  let waiting = await Promise.all(
    events.map(async (event) => unchained(event, await sealPersonal(ctx, keys, event))),
  )
  for (let turn = 0; waiting.length > 0; turn++) {
    if (turn === MAX_TURNS) throw new Fault('upstream_timeout', 'the audit chain was taken at every turn')
    waiting = await writeOnce(ctx, waiting)
  }
  await forgetErased(ctx, keys)
  return null
}

/** Whoever was erased while their rows were on the way: either we see it here, or their erasure comes after our write. */
async function forgetErased(ctx: JobContext, keys: PersonKeys): Promise<void> {
  const standing = await readPersonKeys(ctx, [...keys.keys()])
  for (const userId of keys.keys()) if (!standing.has(userId)) await forgetNetworks(ctx, [userId])
}

type Unchained = Omit<AuditRow, 'sequence' | 'previousHash' | 'hash'>

function unchained(event: Happened, personal: string | null): Unchained {
  const { id, tenantId, type, actor, subject, client, occurredAt } = event
  const data = carriedBy(type, event.data)
  const network = personal === null ? null : client.address
  return {
    id,
    tenantId,
    type,
    actor,
    subject,
    data,
    personal,
    network,
    occurredAt,
    sessionIds: sessionsIn(data),
  }
}

/** The sessions that an event names. */
function sessionsIn({ session_id, session_ids, by_session }: Record<string, unknown>): string[] {
  const named = [session_id, by_session, ...(Array.isArray(session_ids) ? session_ids : [])]
  return [...new Set(named.filter((id) => typeof id === 'string'))].toSorted()
}

/**
 * One turn: reads where the chains stand and what is written already, and extends each chain if it still stands there.
 * @returns the rows whose chain somebody else extended meanwhile
 */
async function writeOnce(ctx: JobContext, rows: Unchained[]): Promise<Unchained[]> {
  const { heads, written } = await findHeads(ctx, rows)
  const extensions = await Promise.all(
    [...new Set(rows.map(({ tenantId }) => tenantId))].map(async (tenantId) => {
      const missing = rows.filter((row) => row.tenantId === tenantId && !written.has(row.id))
      const from = heads.get(tenantId) ?? NO_HEAD
      return { tenantId, from, rows: await chain(from, missing) }
    }),
  )
  const needed = extensions.filter((extension) => extension.rows.length > 0)
  if (needed.length === 0) return []
  const extended = await extendChains(ctx, needed)
  for (const { tenantId, rows: added } of needed) {
    const newest = added.at(-1)
    if (extended.has(tenantId) && newest)
      ctx.log('info', 'audit written', {
        tenant_id: tenantId,
        rows: added.length,
        sequence: newest.sequence,
        hash: newest.hash,
      })
  }
  return rows.filter(({ id, tenantId }) => !written.has(id) && !extended.has(tenantId))
}

/** In order of their ids, which is the order of time as far as there is one. */
async function chain(from: ChainHead, rows: Unchained[]): Promise<AuditRow[]> {
  const chained: AuditRow[] = []
  let { sequence, hash } = from
  for (const row of rows.toSorted((one, other) => (one.id < other.id ? -1 : 1))) {
    sequence += 1
    const next = { ...row, sequence, previousHash: hash }
    hash = await hashRow(next)
    chained.push({ ...next, hash })
  }
  return chained
}

/** SHA-256 of everything that the row says, its place and its predecessor; lower-case hexadecimal. */
export async function hashRow(row: Omit<AuditRow, 'hash' | 'network'>): Promise<string> {
  const said = [
    row.sequence,
    row.previousHash,
    row.id,
    row.tenantId,
    row.occurredAt.toISOString(),
    row.type,
    row.actor,
    row.subject,
    row.sessionIds,
    ordered(row.data),
    row.personal,
  ]
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify(said)))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** jsonb keeps no order of keys, so a hash must not depend on one. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, member]) => [name, ordered(member)])
}

/** Makes everything personal in people's rows unreadable, for good; the rows and their chain stay as they are. */
export async function eraseFromAudit(
  ctx: Pick<Context, 'db' | 'auditDb'>,
  ...userIds: string[]
): Promise<void> {
  if (userIds.length === 0) return
  await erasePersonKeys(ctx, userIds)
  await forgetNetworks(ctx, userIds)
}
