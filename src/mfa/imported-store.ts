/** The SQL of authenticator apps that moved in with their accounts. It imports nothing of ours, so that `npm run import` runs in Node. */
import { type SQL, sql } from 'drizzle-orm'

/** `insert … returning …`. @param from yields `user_id`, `tenant_id` and `totp`: `id`, `sealedSecret` */
export const insertImportedApps = (from: SQL): SQL => sql`
  insert into totp_factors (id, tenant_id, user_id, sealed_secret, confirmed_at)
  select (totp->>'id')::uuid, tenant_id, user_id, totp->>'sealedSecret', clock_timestamp() from (${from}) as moved
  returning user_id`
