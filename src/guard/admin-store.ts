/** What every creation by an administrator reads first, when it carries an `Idempotency-Key`. */
import { sql } from 'drizzle-orm'
import type { Context } from '../context.ts'
import type { IdempotencyKey } from '../idempotency/idempotency.ts'
import type { Caller } from './caller.ts'
import { callerIsAdmin, countAdmin } from './caller-store.ts'

/** The answer kept for a repeat, for whoever may still ask; hand the rest to `refuseUnlessAdmin`. */
export async function findKeptForAdmin(
  { db, host }: Pick<Context, 'db' | 'host'>,
  caller: Caller,
  { actor, operation, key }: IdempotencyKey,
): Promise<{ callers: number; admins: number; sealed: string | null }> {
  const { rows } = await db.execute<{ callers: number; admins: number; sealed: string | null }>(sql`
    with ${callerIsAdmin(caller, host)}
    select ${countAdmin}, (
      select sealed_answer from idempotency_keys join admin using (tenant_id)
      where actor = ${actor} and operation = ${operation} and key = ${key} and expires_at > now()) as sealed`)
  return rows[0] ?? { callers: 0, admins: 0, sealed: null }
}
