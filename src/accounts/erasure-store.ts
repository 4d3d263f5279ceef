/** What is kept about an address and not about its account; both the export and the erasure of a person ask for it. */
import { type SQL, sql } from 'drizzle-orm'

/** `sign_in_failures.subject` of an address, as `attemptSubject` in src/passwords/failures.ts digests it; a test holds the two together. */
export const attemptsAt = (email: SQL): SQL => sql`
  sign_in_failures.subject = sha256(convert_to('account', 'UTF8') || '\\x00'::bytea || convert_to(${email}, 'UTF8'))`
