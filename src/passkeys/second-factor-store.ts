/** The SQL of a passkey that is, or is no more, asked for after another factor. */
import { type SQL, sql } from 'drizzle-orm'

/**
 * `update … returning user_id, tenant_id`: no row where it was so before, or the account has no such passkey.
 * @param account yields `user_id`: whose passkey it must be
 */
export const setSecondFactor = (id: string, isSecondFactor: boolean, account: SQL): SQL => sql`
  update passkeys set is_second_factor = ${isSecondFactor}::boolean,
    second_factor_at = case when ${isSecondFactor}::boolean then clock_timestamp() end
  from ${account} as account
  where passkeys.id = ${id} and passkeys.user_id = account.user_id and passkeys.is_second_factor <> ${isSecondFactor}::boolean
  returning passkeys.user_id, passkeys.tenant_id`
