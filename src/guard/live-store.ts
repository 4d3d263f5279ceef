/** Whether a session lives: one condition for every statement that asks. */
import { and, gt, isNull, sql } from 'drizzle-orm'
import { isOfEpoch } from '../accounts/epoch-store.ts'
import { sessions } from '../storage/schema.ts'

/** Of `sessions`, but for the epoch. `clock_timestamp()`, not `now()`: after a wait for a lock, the start of the transaction is the past. */
export const sessionIsOpen = and(
  isNull(sessions.revokedAt),
  gt(sessions.expiresAt, sql`clock_timestamp()`),
  gt(sessions.idleExpiresAt, sql`clock_timestamp()`),
)

/** Of `sessions`. */
export const sessionIsLive = and(sessionIsOpen, isOfEpoch)
