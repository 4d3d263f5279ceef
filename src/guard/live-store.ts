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

/**
 * Of `sessions`, where an administrator acts as the person: that they still administer the tenant, and have not been signed
 * out everywhere since.
 */
const actorIsStillThere = sql`(sessions.impersonator_id is null or exists (
  select from users as actor where actor.id = sessions.impersonator_id and actor.tenant_id = sessions.tenant_id
    and actor.status = 'active' and actor.deleted_at is null and 'admin' = any(actor.roles)
    and coalesce(sessions.created_at >= actor.access_valid_from, true)))`

/** Of `sessions`. */
export const sessionIsLive = and(sessionIsOpen, isOfEpoch, actorIsStillThere)
