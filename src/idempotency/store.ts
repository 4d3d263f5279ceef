/** The `idempotency_keys` rows: joined into the read of an operation, written by the statement that has its effect. */
import { and, eq, type SQL, sql } from 'drizzle-orm'
import { idempotencyKeys, tenants } from '../storage/schema.ts'
import type { IdempotencyKey } from './idempotency.ts'

/** For `db.select({ kept: keptAnswerColumns, … })`. */
export const keptAnswerColumns = {
  sealed: idempotencyKeys.sealedAnswer,
  refused: idempotencyKeys.refused,
}

/** For `leftJoin(idempotencyKeys, isKept(key))`, in a query that has found the tenant. */
export const isKept = (wanted: IdempotencyKey | null) =>
  wanted === null
    ? sql`false`
    : and(
        eq(idempotencyKeys.tenantId, tenants.id),
        eq(idempotencyKeys.actor, wanted.actor),
        eq(idempotencyKeys.operation, wanted.operation),
        eq(idempotencyKeys.key, wanted.key),
        sql`${idempotencyKeys.expiresAt} > now()`,
      )

/**
 * Two members of a `with`: keep the answer of this request. Simultaneous requests with one key wait for the first here;
 * then the primary key refuses them, and with that the whole statement (SQLSTATE 23505).
 * @param refused an expression: null when the effect took place, else the code of the refusal
 * @param when an expression: whether the answer is kept at all
 */
export const keepAnswer = (
  tenantId: string,
  { actor, operation, key }: IdempotencyKey,
  sealed: string,
  refused: SQL,
  when: SQL = sql`true`,
): SQL => sql`
  outlived as (
    delete from idempotency_keys
    where tenant_id = ${tenantId} and actor = ${actor} and operation = ${operation} and key = ${key}
      and expires_at <= now()
    returning 1),
  answer_kept as (
    insert into idempotency_keys (tenant_id, actor, operation, key, sealed_answer, refused, expires_at)
    select ${tenantId}::uuid, ${actor}, ${operation}, ${key}, ${sealed}, ${refused}, now() + interval '24 hours'
    from (select count(*) from outlived) as after where ${when})`
