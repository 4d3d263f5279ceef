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
