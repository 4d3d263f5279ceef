/**
 * The SQL of second factors: what an account has, and the updates that use a code up. That an account has one is also said by
 * its own row (`users.second_factor_since`), which every statement here keeps true: the door reads it there.
 */
import { type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { type Recorder, recordEvent } from '../events/outbox.ts'

const Factors = v.object({
  totp: v.nullable(v.object({ id: v.string(), sealedSecret: v.string(), lastUsedStep: v.number() })),
  recoveryCodes: v.array(v.object({ id: v.string(), sealedHash: v.string() })),
})

/** What an account can show as a second factor now. */
export type Factors = v.InferOutput<typeof Factors>

/**
 * For `db.select({ factors: factorsOf(…), … })`.
 * @param before a time: what counts from it on, or later, is not looked at
 */
export const factorsOf = (userId: SQL, before: SQL = sql`'infinity'`) =>
  sql`(
  select jsonb_build_object(
    'totp', (
      select jsonb_build_object('id', id, 'sealedSecret', sealed_secret, 'lastUsedStep', last_used_step)
      from totp_factors where user_id = ${userId} and confirmed_at < ${before}),
    'recoveryCodes', (
      select coalesce(jsonb_agg(jsonb_build_object('id', id, 'sealedHash', sealed_hash) order by id), '[]')
      from recovery_codes where user_id = ${userId} and used_at is null and created_at < ${before})))`.mapWith(
    (factors: unknown) => v.parse(Factors, factors),
  )

/** A code that is right as far as can be known before the statement that uses it up. */
export type Proof =
  | { method: 'totp'; factorId: string; step: number }
  | { method: 'recovery_code'; codeId: string }

/** A mailed code, which is not a factor of the account (mfa/email-code.ts). */
export type MailedProof = { method: 'email_code'; codeId: string; email: string }

/** `update … returning user_id`: uses the code up, for the account in the member `by` (`user_id`); each of them only once. */
export const useUp = (proof: Proof, by: SQL): SQL =>
  proof.method === 'totp'
    ? sql`
      update totp_factors set last_used_step = ${proof.step} from ${by}
      where totp_factors.id = ${proof.factorId} and totp_factors.user_id = ${by}.user_id
        and totp_factors.confirmed_at is not null and totp_factors.last_used_step < ${proof.step}
      returning totp_factors.user_id`
    : sql`
      update recovery_codes set used_at = clock_timestamp() from ${by}
      where recovery_codes.id = ${proof.codeId} and recovery_codes.user_id = ${by}.user_id
        and recovery_codes.used_at is null
      returning recovery_codes.user_id`

/**
 * Over the member `attempts`: a recovery code of 128 bits is heard however many wrong codes there were. No one guesses it, and it
 * is the way back of an owner whom a stranger with the password locked out.
 */
export const isHeard = ({ method }: Pick<Proof | MailedProof, 'method'>): SQL =>
  method === 'recovery_code' ? sql`true` : sql`not exists (select from attempts where is_unheard)`

/** A member of a `with`, and a comma: the owner is told of a recovery code that was used, once the member `by` has a row. */
export const recoveryCodeUsed = (ctx: Recorder, proof: Proof | MailedProof, by: SQL): SQL => {
  if (proof.method !== 'recovery_code') return sql``
  const used = sql`
    select users.tenant_id, users.id as subject, jsonb_build_object('left', (
      -- The code that this statement uses up is still there in its snapshot.
      select count(*)::int - 1 from recovery_codes where user_id = users.id and used_at is null)) as data
    from ${by} join users on users.id = ${by}.user_id`
  return sql`code_recorded as (${recordEvent(ctx, 'recovery_code.used', used)}),`
}

/** Sets for an `update` of `users`: the account has a second factor from now on, if it had none. */
export const hasSecondFactor: SQL = sql`
  second_factor_since = coalesce(users.second_factor_since, clock_timestamp())`

/**
 * Over `users`: whether the account has a second factor besides the one that goes. Recovery codes are none: they go with the
 * last. The row that goes is still there in the snapshot of the statement that takes it away.
 */
export const hasBesides = {
  totp: sql`exists (select from passkeys where passkeys.user_id = users.id and passkeys.is_second_factor)`,
  passkey: (id: string): SQL => sql`(
    exists (select from totp_factors where totp_factors.user_id = users.id and totp_factors.confirmed_at is not null)
    or exists (
      select from passkeys where passkeys.user_id = users.id and passkeys.is_second_factor and passkeys.id <> ${id}))`,
}
