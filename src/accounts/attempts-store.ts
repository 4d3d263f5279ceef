/**
 * `sign_in_failures.subject` as src/passwords/failures.ts digests it, for statements that find an address or a session by
 * themselves; a test holds the two together.
 */
import { type SQL, sql } from 'drizzle-orm'

const isDigestOf = (kind: 'account' | 'session', value: SQL): SQL => sql`
  sign_in_failures.subject = sha256(convert_to(${kind}, 'UTF8') || '\\x00'::bytea || convert_to(${value}, 'UTF8'))`

/** Failed attempts at an address. */
export const attemptsAt = (email: SQL): SQL => isDigestOf('account', email)

/** Failed confirmations from a session. */
export const confirmationsFrom = (sessionId: SQL): SQL => isDigestOf('session', sessionId)

/**
 * Forgets the failed attempts at the addresses of the member `accounts` (`tenant_id`, `email`) of a `with`. The rows are
 * locked in one order, so that two statements that forget the same ones cannot deadlock.
 */
export const forgetAttemptsAt = (accounts: SQL): SQL => sql`
  delete from sign_in_failures using (
    select sign_in_failures.tenant_id, sign_in_failures.subject
    from ${accounts} as account
    join sign_in_failures on sign_in_failures.tenant_id = account.tenant_id and ${attemptsAt(sql`account.email`)}
    order by sign_in_failures.tenant_id, sign_in_failures.subject for update of sign_in_failures) as held
  where sign_in_failures.tenant_id = held.tenant_id and sign_in_failures.subject = held.subject`
