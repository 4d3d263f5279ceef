/** What a creation reads first, when it carries an `Idempotency-Key`. */
import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { Context } from '../context.ts'
import type { IdempotencyKey } from '../idempotency/idempotency.ts'
import { rowsOf } from '../storage/rows.ts'
import { CALLER, callerOf, callerRow } from './caller-store.ts'
import type { Caller, CallerRow } from './demands.ts'

/** The answer kept for a repeat, if the caller meets what is demanded still; hand the row to `refuseUnless`. */
export async function findKeptForCaller(
  { db, host }: Pick<Context, 'db' | 'host'>,
  caller: Caller,
  { actor, operation, key }: IdempotencyKey,
): Promise<{ caller: CallerRow; sealed: string | null }> {
  const [row] = await rowsOf(db, { ...CALLER, sealed: v.nullable(v.string()) })(sql`
    with ${callerOf(caller, host)}
    select ${callerRow}, (
      select sealed_answer from idempotency_keys join caller using (tenant_id)
      where actor = ${actor} and operation = ${operation} and key = ${key} and expires_at > now()) as sealed`)
  return row ?? { caller: null, sealed: null }
}
