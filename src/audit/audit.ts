/**
 * The audit log: every event once, in one chain per tenant. Each row carries the hash of the row before it, so that
 * changing, removing or inserting one breaks the chain after it; the newest hash is also in the log line of
 * each write, which an attacker with access to the database cannot change.
 */
import type { Context, JobContext } from '../context.ts'
import { carriedBy, type Happened } from '../events/catalogue.ts'
import { holderOf, requirePersonKeys, sealPersonal } from '../events/person-keys.ts'
import type { Sink } from '../events/sink.ts'
import { erasePersonKeys } from '../events/store.ts'
import {
  type AuditRow,
  type ChainHead,
  extendChains,
  forgetNetworks,
  markErased,
  type NewAuditRow,
} from './audit-store.ts'

export const auditSink: Sink = { name: 'audit', take: writeAudit }

/** Before the first row. */
export const NO_HEAD: ChainHead = { sequence: 0, hash: '0'.repeat(64) }

async function writeAudit(ctx: JobContext, events: readonly Happened[]): Promise<null> {
  const keys = await requirePersonKeys(ctx, [...new Set(events.map(holderOf))])
  const rows = await Promise.all(
    events.map(async (event) => unchained(event, await sealPersonal(ctx, keys, event))),
  )
  for (const { tenantId, rows: added, head } of await extendChains(ctx, rows))
    ctx.log('info', 'audit written', { tenant_id: tenantId, rows: added, ...head })
  return null
}

function unchained(event: Happened, personal: string | null): NewAuditRow {
  const { id, tenantId, type, actor, subject, client, occurredAt } = event
  const data = carriedBy(type, event.data)
  const network = personal === null ? null : client.address
  const row = {
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
  return { ...row, said: saidOf(row) }
}

/** The sessions that an event names. */
function sessionsIn({ session_id, session_ids, by_session }: Record<string, unknown>): string[] {
  const named = [session_id, by_session, ...(Array.isArray(session_ids) ? session_ids : [])]
  return [...new Set(named.filter((id) => typeof id === 'string'))].toSorted()
}

/** SHA-256 of everything that the row says, its place and its predecessor; lower-case hexadecimal. */
export async function hashRow(row: Omit<AuditRow, 'hash' | 'network'>): Promise<string> {
  const text = `[${row.sequence},${JSON.stringify(row.previousHash)},${saidOf(row)}`
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The end of the JSON list that is hashed, from the id on: all of it that does not depend on the place in the chain. */
function saidOf(row: Omit<AuditRow, 'sequence' | 'previousHash' | 'hash' | 'network'>): string {
  const said = [
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
  return JSON.stringify(said).slice(1)
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
  await markErased(ctx, userIds)
  await forgetNetworks(ctx, userIds)
}
