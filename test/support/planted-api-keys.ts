/** API keys as their operation would have made them: for tests that begin behind it. */
import { randomUUID } from 'node:crypto'
import { hashApiKey, newApiKey } from '../../src/guard/api-key.ts'
import type { Service, TestTenant } from './service.ts'

export type PlantedApiKey = { id: string; key: string }

/** @param userId whose it is; null for the tenant's */
export async function plantApiKey(
  { sql }: Pick<Service, 'sql'>,
  tenant: TestTenant,
  userId: string | null,
  { scopes = ['orders:read'] }: { scopes?: string[] } = {},
): Promise<PlantedApiKey> {
  const id = randomUUID()
  const key = newApiKey('local', id, (length) => crypto.getRandomValues(new Uint8Array(length)))
  await sql(
    `insert into api_keys (id, tenant_id, user_id, name, scopes, hash) values ($1, $2, $3, 'Planted', $5, $4)`,
    [id, tenant.id, userId, Buffer.from(await hashApiKey(key)), scopes],
  )
  return { id, key }
}
