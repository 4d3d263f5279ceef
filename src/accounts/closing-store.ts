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

/**
 * `update … returning …`: the closed account in `account` (`id`) is as if it had been closed so long ago that it is erased
 * next, unless it is.
 */
export const eraseSoon = (account: SQL): SQL => sql`
  update users set deleted_at = clock_timestamp() - make_interval(days => ${erasureDays})
  from ${account} as account, tenants
  where users.id = account.id and tenants.id = users.tenant_id and users.erased_at is null
    and users.deleted_at > clock_timestamp() - make_interval(days => ${erasureDays})
  returning users.id as user_id, null::uuid as id, users.tenant_id`

/** `update … returning …`: the closed account in `account` (`id`) is open, unless it is erased; what ended stays so. */
export const markReopened = (account: SQL): SQL => sql`
  update users set deleted_at = null from ${account} as account
  where users.id = account.id and users.deleted_at is not null and users.erased_at is null and users.email is not null
  returning users.id as user_id, null::uuid as id, users.tenant_id`

/** `update …`: what is personal of the accounts in the member `accounts` (`id`) of a `with` is gone. */
export const clearAccounts = (accounts: SQL): SQL => sql`
  update users set email = null, email_verified_at = null, name = null, locale = null, roles = '{}',
    second_factor_since = null, external_id = null, public_metadata = '{}', private_metadata = '{}'
  from ${accounts} as account where users.id = account.id`

/** `update … returning …`: an account that is cleared is erased, once. */
export const markErased = (userId: string): SQL => sql`
  update users set erased_at = clock_timestamp()
  where id = ${userId} and deleted_at is not null and erased_at is null and email is null
  returning id, tenant_id`
