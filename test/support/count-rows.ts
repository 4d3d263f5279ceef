/** How many rows a tenant has, table by table. */
import type { Backend, TestTenant } from './service.ts'

/** How much there is of a tenant, in every table that an operation adds to. */
export async function countRows({ sql }: Pick<Backend, 'sql'>, { id }: TestTenant) {
  const tables = [
    'users',
    'passwords',
    'sessions',
    'refresh_tokens',
    'sign_in_failures',
    'one_time_tokens',
    'idempotency_keys',
    'events',
  ]
  const counts = tables.map(
    (table) => `(select count(*)::int from ${table} where tenant_id = $1) as ${table}`,
  )
  const [row] = await sql<Record<string, number>>(`select ${counts.join(', ')}`, [id])
  return row ?? {}
}
