/** `npm run keys`: the signing keys, and which keyring ids rows still name. */
import { sql } from 'drizzle-orm'
import { NO_PEPPER } from '../src/crypto/foreign-hash.ts'
import type { OperatorContext } from './context.ts'

export async function list({ db, auditDb }: OperatorContext): Promise<void> {
  const keys = await db.execute(sql`
    select kid, alg, state, created_at, expires_at from signing_keys order by created_at`)
  const ids = await db.execute(sql`
    select 'AUTH_KEYS' as keyring, key_id, count(*)::int as rows, 'refresh tokens' as used_by from refresh_tokens group by key_id
    union all select case key_id when ${NO_PEPPER} then 'none' else 'AUTH_KEYS' end, key_id, count(*)::int,
      case key_id when ${NO_PEPPER} then 'imported passwords, until their owners sign in' else 'passwords' end
      from passwords group by key_id
    union all select 'AUTH_KEYS', key_id, count(*)::int, 'mailed links and codes' from one_time_tokens
      where user_id is not null and consumed_at is null and expires_at > now() group by key_id
    union all select 'AUTH_KEYS', split_part(sealed_key, '.', 1), count(*)::int, 'keys of people' from person_keys group by 2
    union all select 'AUTH_KEYS', split_part(secret, '.', 1), count(*)::int, 'webhook secrets'
      from webhook_endpoints, unnest(array[sealed_secret, sealed_previous_secret]) secret where secret is not null group by 2
    union all select 'SIGNING_SEAL_KEYS', split_part(sealed_private_jwk, '.', 1), count(*)::int, 'signing keys'
      from signing_keys group by 2
    order by 1, 2`)
  const audited = await auditDb.execute(sql`
    select 'AUTH_KEYS' as keyring, split_part(personal, '.', 1) as key_id, count(*)::int as rows, 'audit log' as used_by
    from audit_events where subject is null and personal is not null group by 2`)
  console.table(keys.rows)
  console.table([...ids.rows, ...audited.rows])
  console.log('A keyring id that no row names may be removed from its keyring.')
}
