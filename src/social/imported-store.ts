/** The SQL of identities that moved in with their accounts. It imports nothing of ours, so that `npm run import` runs in Node. */
import { type SQL, sql } from 'drizzle-orm'

/**
 * `insert …`. Without a provider it is that of the tenant with the same issuer; where there is none yet, the issuer's host.
 * @param from yields `user_id`, `tenant_id` and `identity`: `id`, `provider`, `issuer`, `subject`, `email`
 */
export const insertImportedIdentities = (from: SQL): SQL => sql`
  insert into identities (id, tenant_id, user_id, provider, issuer, subject, email_at_link)
  select (identity->>'id')::uuid, tenant_id, user_id,
    coalesce(identity->>'provider',
      (select slug from providers where providers.tenant_id = moved.tenant_id and providers.issuer = identity->>'issuer' order by slug limit 1),
      split_part(identity->>'issuer', '/', 3)),
    identity->>'issuer', identity->>'subject', identity->>'email'
  from (${from}) as moved`
