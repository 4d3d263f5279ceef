/** The SQL of `oauth_states`: a state ends one flow, whatever Redis has forgotten. */
import { type SQL, sql } from 'drizzle-orm'
import { oauthStates } from '../storage/schema.ts'
import type { Flow } from './state.ts'

/**
 * `insert … returning tenant_id`: of any number of simultaneous callers with the same state one gets a row.
 * @param from a member of the `with` that yields `tenant_id`, one row or none
 */
export const claimState = ({ id, expiresAt }: Flow, from: SQL): SQL => sql`
  insert into oauth_states (id, tenant_id, expires_at)
  select ${sql.param(id, oauthStates.id)}::bytea, tenant_id, ${new Date(expiresAt).toISOString()}::timestamptz
  from ${from} as begun
  where ${new Date(expiresAt).toISOString()}::timestamptz > clock_timestamp()
  on conflict do nothing returning tenant_id`
