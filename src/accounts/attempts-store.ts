/**
 * The SQL of `sign_in_failures`: attempts in a row, counted, looked at and forgotten. Its `subject` is digested in
 * attempts.ts, and here for statements that find an address or a session by themselves; a test holds the two together.
 */
import { type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import { rowsOf } from '../storage/rows.ts'
import { signInFailures } from '../storage/schema.ts'
import {
  type Attempts,
  FIRST_DELAY_SECONDS,
  FREE_FAILURES,
  LONGEST_DELAY_SECONDS,
  MAX_FAILURES,
} from './attempts.ts'

const digestOf = (kind: 'account' | 'session' | 'second_factor', value: SQL): SQL =>
  sql`sha256(convert_to(${kind}, 'UTF8') || '\\x00'::bytea || convert_to(${value}, 'UTF8'))`

const isDigestOf = (kind: 'account' | 'session' | 'second_factor', value: SQL): SQL =>
  sql`sign_in_failures.subject = ${digestOf(kind, value)}`

/** Failed attempts at an address. */
export const attemptsAt = (email: SQL): SQL => isDigestOf('account', email)

/** Failed confirmations from a session. */
export const confirmationsFrom = (sessionId: SQL): SQL => isDigestOf('session', sessionId)

/** Failed attempts at the second factors of an account. */
export const secondFactorAttemptsOf = (userId: SQL): SQL => isDigestOf('second_factor', sql`${userId}::text`)

/**
 * `delete …`: failed attempts of these subjects are forgotten, where the member `after` of a `with` has a row.
 * @param when what else must be so, over `after`
 */
export const forgetAttempts = (
  after: SQL,
  { tenantId, subjects, when = sql`true` }: { tenantId: string; subjects: readonly Uint8Array[]; when?: SQL },
): SQL => sql`
  delete from sign_in_failures using ${after} where (${sql.join(
    subjects.map((subject) => failuresOf(tenantId, subject)),
    sql` or `,
  )}) and ${when}`

/**
 * Forgets the failed attempts at the addresses of the member `accounts` (`tenant_id`, `email`) of a `with`. The rows are
 * locked in one order, so that two statements that forget the same ones cannot deadlock.
 */
export const forgetAttemptsAt = (accounts: SQL): SQL => forgetWhere(accounts, attemptsAt(sql`account.email`))

/** The same, and the failed attempts at their second factors; `accounts` has their `id` too. */
export const forgetAllAttempts = (accounts: SQL): SQL =>
  forgetWhere(
    accounts,
    sql`sign_in_failures.subject in (${digestOf('account', sql`account.email`)}, ${digestOf('second_factor', sql`account.id::text`)})`,
  )

/** Those at the second factors of the member `accounts` (`tenant_id`, `user_id`) of a `with` are forgotten. */
export const forgetSecondFactorAttempts = (accounts: SQL): SQL =>
  forgetWhere(accounts, secondFactorAttemptsOf(sql`account.user_id`))

const forgetWhere = (accounts: SQL, isTheirs: SQL): SQL => sql`
  delete from sign_in_failures using (
    select sign_in_failures.tenant_id, sign_in_failures.subject
    from ${accounts} as account
    join sign_in_failures on sign_in_failures.tenant_id = account.tenant_id and ${isTheirs}
    order by sign_in_failures.tenant_id, sign_in_failures.subject for update of sign_in_failures) as held
  where sign_in_failures.tenant_id = held.tenant_id and sign_in_failures.subject = held.subject`

/** How long the attempts of a row of `sign_in_failures` wait, in whole seconds; 0 without a row or a delay. */
export const waitSeconds = sql`ceil(greatest(0, coalesce(extract(epoch from sign_in_failures.next_attempt_at - clock_timestamp()), 0)))::int`

/** For `db.select`, over `sign_in_failures`, joined or not. */
export const attemptsColumns = {
  failures: sql<number>`coalesce(${signInFailures.consecutiveFailures}, 0)`,
  waitSeconds: sql<number>`${waitSeconds}`,
}

/** Whether an attempt is not heard now: what both outcomes of an attempt are decided by. */
const isUnheard = sql`(sign_in_failures.consecutive_failures >= ${MAX_FAILURES}
  or sign_in_failures.next_attempt_at > clock_timestamp())`

export const failuresOf = (tenantId: string, subject: Uint8Array): SQL => sql`
  (sign_in_failures.tenant_id = ${tenantId} and sign_in_failures.subject = ${digest(subject)})`

const digest = (subject: Uint8Array) => sql`${sql.param(subject, signInFailures.subject)}::bytea`

/**
 * `attempts`, a member of a `with`: how many there are, locked.
 * @param after the member that locks the account or the session. Counting its rows has it run first: a reset locks in that
 * order too, so that the two cannot deadlock.
 */
export const heldAttempts = (isOf: SQL, after: SQL): SQL => sql`
  attempts as (
    select consecutive_failures as failures, ${waitSeconds} as wait_seconds, ${isUnheard} as is_unheard
    from sign_in_failures where ${isOf} and (select count(*) from ${after}) >= 0 for update)`

/** The columns of `Attempts`, and how they are without a row. */
export const ATTEMPTS = { failures: v.number(), waitSeconds: v.number() }
export const NO_ATTEMPTS: Attempts = { failures: 0, waitSeconds: 0 }

/**
 * Counts a failed attempt, unless attempts are not heard: then no one was told whether the password was right.
 * @param attempt.userId the account, where there is one: for the event when this failure is the last one heard
 * @param attempt.hasAccount whether there is one, where `userId` does not say it: what may be forgotten (personal-data.ts)
 * @returns whether it counted, and how many attempts there are now
 */
export async function countFailure(
  ctx: Pick<Context, 'db'> & Recorder,
  {
    tenantId,
    subject,
    userId,
    hasAccount = userId !== null,
    disables = 'password.disabled',
  }: {
    tenantId: string
    subject: Uint8Array
    userId: string | null
    hasAccount?: boolean
    disables?: 'password.disabled' | 'second_factor.disabled'
  },
): Promise<Attempts & { hasCounted: boolean }> {
  // An address without an account takes the same statement; there is only no one to tell.
  const disabled = sql`
    select ${tenantId}::uuid as tenant_id, ${userId}::uuid as subject, '{}'::jsonb as data
    from counted where has_counted and failures = ${MAX_FAILURES} and ${userId}::uuid is not null`
  const [row] = await rowsOf(ctx.db, { ...ATTEMPTS, hasCounted: v.boolean() })(sql`
    with counted as (
    insert into sign_in_failures (tenant_id, subject, consecutive_failures, has_account)
    values (${tenantId}, ${digest(subject)}, 1, ${hasAccount})
    on conflict (tenant_id, subject) do update set has_account = excluded.has_account,
      consecutive_failures = sign_in_failures.consecutive_failures + case when ${isUnheard} then 0 else 1 end,
      next_attempt_at = case
        when ${isUnheard} then sign_in_failures.next_attempt_at
        when sign_in_failures.consecutive_failures >= ${FREE_FAILURES} then clock_timestamp() + make_interval(secs =>
          least(${LONGEST_DELAY_SECONDS}, ${FIRST_DELAY_SECONDS} * power(2, sign_in_failures.consecutive_failures - ${FREE_FAILURES})))
      end,
      late_attempts = case when ${isUnheard} then sign_in_failures.late_attempts + 1 else 0 end,
      last_attempt_at = clock_timestamp()
    returning late_attempts = 0 as has_counted, consecutive_failures as failures, ${waitSeconds} as wait_seconds),
    recorded as (${recordEvent(ctx, disables, disabled, { actor: sql`null`, rare: true })})
    select has_counted, failures, wait_seconds from counted`)
  return row ?? { hasCounted: false, ...NO_ATTEMPTS }
}
