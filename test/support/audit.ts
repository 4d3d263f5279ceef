/** The audit log as an administrator asks for it, and rows of it in numbers. */
import type { Answer, CallOptions, Client } from './client.ts'
import type { Service, TestTenant } from './service.ts'

export type ReadEvent = {
  id: string
  type: string
  occurred_at: string
  actor: string | null
  subject: string | null
  session_ids: string[]
  data: Record<string, unknown>
  address: string | null
  country: string | null
  city: string | null
  network: string | null
  user_agent: string | null
  request_id: string | null
  sequence: number
}

export type AuditPage = { data: ReadEvent[]; next_cursor: string | null }

const PATH = '/v1/admin/audit-events'

export const readAudit = (
  client: Client,
  bearer: string,
  filters: Record<string, string> = {},
  options: CallOptions = {},
): Promise<Answer<AuditPage>> =>
  client.call<AuditPage>(`${PATH}?${new URLSearchParams(filters)}`, { bearer, ...options })

/** Every page of it. */
export async function readAll(client: Client, bearer: string, filters: Record<string, string>) {
  const pages: ReadEvent[][] = []
  let cursor: string | null = null
  do {
    const { status, body }: Answer<AuditPage> = await readAudit(client, bearer, {
      ...filters,
      ...(cursor !== null && { cursor }),
    })
    if (status !== 200) throw new Error(`the audit log answered ${status}: ${JSON.stringify(body)}`)
    pages.push(body.data)
    cursor = body.next_cursor
  } while (cursor !== null)
  return pages
}

/** The export as a stream, past the client's own reading of answers. */
export const startExport = (
  service: Service,
  { tenant, address }: Client,
  bearer: string,
  { accept = 'application/x-ndjson', query = '' }: { accept?: string; query?: string } = {},
): Promise<Response> =>
  service.fetch(`${tenant.origin}${PATH}${query}`, {
    headers: { accept, authorization: `Bearer ${bearer}`, 'cf-connecting-ip': address },
  })

/**
 * Rows that are in no chain, for tests of numbers: one a minute before now, of some people, from some networks, and of
 * types of which `webhook.updated` is rare.
 * @param padding how many characters each carries for nothing
 */
export async function fillAudit(
  { sql }: Pick<Service, 'sql'>,
  { id }: TestTenant,
  rows: number,
  padding = 0,
) {
  await sql(
    `insert into audit_events (id, occurred_at, tenant_id, sequence, type, actor, subject, session_ids, data, network,
       previous_hash, hash)
     select gen_random_uuid(), date_trunc('milliseconds', now()) - make_interval(mins => n), $1, n,
       case when n % 1000 = 0 then 'webhook.updated' when n % 2 = 0 then 'session.started' else 'session.refused' end,
       lpad(to_hex(n % 500), 32, '0')::uuid, lpad(to_hex(n % 500), 32, '0')::uuid, array[lpad(to_hex(n), 32, '0')::uuid],
       jsonb_build_object('padding', repeat('x', $3::int)), format('10.%s.%s.0/24', n / 256 % 256, n % 256)::cidr, sha256('a'), sha256('b')
     from generate_series(1, $2) n`,
    [id, rows, padding],
  )
}
