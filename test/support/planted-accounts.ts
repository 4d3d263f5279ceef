/** Accounts as their owners or an import left them, in a moment. */
import { randomUUID } from 'node:crypto'
import type { Service, TestTenant } from './service.ts'

/** How the address of a planted account ends. */
export const PLANTED = '@planted.example.com'

export type PlantedAccount = { id: string; email: string }

export type Planting = {
  email?: string
  status?: 'active' | 'disabled' | 'closed'
  roles?: string[]
  isProved?: boolean
  id?: string
}

/** An account without a credential, as its owner or an import left it. */
export async function plantAccount(
  { sql }: Pick<Service, 'sql'>,
  tenant: Pick<TestTenant, 'id'>,
  {
    email = `${randomUUID()}${PLANTED}`,
    status = 'active',
    roles = [],
    isProved = true,
    id = randomUUID(),
  }: Planting = {},
): Promise<PlantedAccount> {
  await sql(
    `insert into users (id, tenant_id, email, email_verified_at, status, roles, deleted_at)
     values ($1, $2, $3, case when $4 then now() end, $5, $6, case when $7 then now() end)`,
    [
      id,
      tenant.id,
      email,
      isProved,
      status === 'disabled' ? 'disabled' : 'active',
      roles,
      status === 'closed',
    ],
  )
  return { id, email }
}
