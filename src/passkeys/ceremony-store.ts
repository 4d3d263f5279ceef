/** The SQL of `consumed_ceremonies`: a challenge ends one ceremony, whatever Redis has forgotten. */
import { type SQL, sql } from 'drizzle-orm'
import { consumedCeremonies } from '../storage/schema.ts'
import type { Ceremony } from './ceremony.ts'

/**
 * `insert … returning tenant_id`: of any number of simultaneous callers with the same challenge one gets a row.
 * @param from a member of the `with` that yields `tenant_id`, one row or none
 */
export const consumeCeremony = ({ id, expiresAt }: Ceremony, from: SQL): SQL => sql`
  insert into consumed_ceremonies (id, tenant_id, expires_at)
  select ${sql.param(id, consumedCeremonies.id)}::bytea, tenant_id, ${new Date(expiresAt).toISOString()}::timestamptz
  from ${from} as calling
  where ${new Date(expiresAt).toISOString()}::timestamptz > clock_timestamp()
  on conflict do nothing returning tenant_id`
