/**
 * The SQL that closes and erases accounts, as pieces of larger statements. Those decide whether it may happen, and what else
 * ends with it (src/access/, src/me/).
 */
import { type SQL, sql } from 'drizzle-orm'
import { settingOf } from '../tenants/store.ts'
import { beginEpoch } from './epoch-store.ts'

/** After how many days a closed account is erased; over `tenants`. */
export const erasureDays = settingOf('erasure_days')

/**
 * `update … returning …`: the account is closed.
 * @param from whose and under which conditions, with `tenants` among it: `… where …`
 * @param options.sessions whether it may have some, which the same statement ends
 */
export const markClosed = (from: SQL, { sessions }: { sessions: boolean }): SQL => sql`
  update users set deleted_at = clock_timestamp() ${sessions ? sql`, ${beginEpoch('closed')}` : sql``}
  from ${from}
  returning users.id as user_id, null::uuid as id, users.tenant_id, users.email, ${erasureDays} as erasure_days,
    users.deleted_at + make_interval(days => ${erasureDays}) as erased_after`

/** `update …`: what is personal of the accounts in the member `accounts` (`id`) of a `with` is gone. */
export const clearAccounts = (accounts: SQL): SQL => sql`
  update users set email = null, email_verified_at = null, name = null, locale = null, roles = '{}',
    second_factor_since = null
  from ${accounts} as account where users.id = account.id`

/** `update … returning …`: an account that is cleared is erased, once. */
export const markErased = (userId: string): SQL => sql`
  update users set erased_at = clock_timestamp()
  where id = ${userId} and deleted_at is not null and erased_at is null and email is null
  returning id, tenant_id`
