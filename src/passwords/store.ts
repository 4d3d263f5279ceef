/** The SQL of signing in with a password: what it reads, and the statements that begin a session or count a failure. */
import { and, eq, type SQL, sql } from 'drizzle-orm'
import type { CanonicalEmail } from '../accounts/accounts.ts'
import { userColumns, userIsActive } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import type { PasswordHash } from '../crypto/password-hash.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import type { IssuedTokens } from '../sessions/tokens.ts'
import { type Beginning, readBegun } from '../sign-in/start.ts'
import { BEGUN, begin, beginningColumns } from '../sign-in/start-store.ts'
import { passwords, signInFailures, signingKeys, tenantHosts, tenants, users } from '../storage/schema.ts'
import {
  type Attempts,
  FIRST_DELAY_SECONDS,
  FREE_FAILURES,
  LONGEST_DELAY_SECONDS,
  MAX_FAILURES,
} from './failures.ts'

type Storage = Pick<Context, 'db' | 'settings'> & Recorder

/** For `db.select({ password: passwordColumns, … })`: what `verify` takes, and when it was set. */
export const passwordColumns = {
  userId: passwords.userId,
  phc: passwords.phc,
  keyId: passwords.keyId,
  changedAt: passwords.changedAt,
}

/**
 * Everything a sign-in reads: tenant, key, how attempts of `subject` stand, and the account with its password, or null
 * where there is none.
 */
export async function findForSignIn(
  ctx: Pick<Context, 'db' | 'host' | 'settings'>,
  email: CanonicalEmail,
  subject: Uint8Array,
) {
  const [row] = await ctx.db
    .select({
      ...beginningColumns(ctx, 'password'),
      user: userColumns,
      isActive: sql<boolean>`${users.status} = 'active'`,
      password: passwordColumns,
      attempts: {
        failures: sql<number>`coalesce(${signInFailures.consecutiveFailures}, 0)`,
        waitSeconds: sql<number>`${waitSeconds}`,
      },
    })
    .from(tenantHosts)
    .innerJoin(tenants, eq(tenants.id, tenantHosts.tenantId))
    .leftJoin(signingKeys, eq(signingKeys.state, 'current'))
    .leftJoin(
      users,
      and(eq(users.tenantId, tenants.id), eq(users.email, email), sql`${users.deletedAt} is null`),
    )
    .leftJoin(passwords, eq(passwords.userId, users.id))
    .leftJoin(
      signInFailures,
      and(eq(signInFailures.tenantId, tenants.id), eq(signInFailures.subject, subject)),
    )
    .where(eq(tenantHosts.host, ctx.host))
  return row
}

/** How long the attempts of a row of `sign_in_failures` wait, in whole seconds; 0 without a row or a delay. */
export const waitSeconds = sql`ceil(greatest(0, coalesce(extract(epoch from sign_in_failures.next_attempt_at - clock_timestamp()), 0)))::int`

/** Whether an attempt is not heard now: what both outcomes of an attempt are decided by. */
export const isUnheard = sql`(sign_in_failures.consecutive_failures >= ${MAX_FAILURES}
  or sign_in_failures.next_attempt_at > clock_timestamp())`

export const failuresOf = (tenantId: string, subject: Uint8Array): SQL => sql`
  sign_in_failures.tenant_id = ${tenantId} and sign_in_failures.subject = ${digest(subject)}`

const digest = (subject: Uint8Array) => sql`${sql.param(subject, signInFailures.subject)}::bytea`

/**
 * `attempts`, a member of a `with`: how they stand, locked.
 * @param after the member that locks the account or the session. Counting its rows has it run first: a reset locks in that
 * order too, so that the two cannot deadlock.
 */
export const heldAttempts = (isOf: SQL, after: SQL): SQL => sql`
  attempts as (
    select consecutive_failures as failures, ${waitSeconds} as wait_seconds, ${isUnheard} as is_unheard
    from sign_in_failures where ${isOf} and (select count(*) from ${after}) >= 0 for update)`

export type VerifiedPassword = {
  userId: string
  tenantId: string
  isProved: boolean
  subject: Uint8Array
  /** `changed_at` of the password that was verified, exactly as it was read. */
  changedAt: string
  /** The same password hashed again, when cost or pepper have risen since. */
  rehashed: PasswordHash | null
}

/**
 * Begins a session for an account whose password was verified, provided that the attempt is heard, that the account is
 * still active and that the password is still that one: all may have changed while the hash ran. Their rows are locked,
 * so none can change before the session is there to be revoked with the others; a failure under way is waited for.
 * @returns what began, or null, and how attempts stood
 */
export async function signIn(
  ctx: Storage & Pick<Context, 'outcome'>,
  verified: VerifiedPassword,
  beginning: Beginning,
): Promise<{ begun: IssuedTokens | null; attempts: Attempts }> {
  const { userId, tenantId, isProved, subject, changedAt, rehashed } = verified
  const who = sql`select * from standing where not exists (select from attempts where is_unheard)`
  const rehash = sql`,
    rehashed as (
      update passwords set phc = ${rehashed?.phc}, key_id = ${rehashed?.keyId}
      from begun where passwords.user_id = begun.id)`
  // An account that is used is never closed for want of a proof: its tenant came to let people in without one.
  const used = sql`,
    used as (
      update users set awaits_proof_since = null
      from begun where users.id = begun.id and users.awaits_proof_since is not null)`
  const { rows } = await ctx.db.execute<AttemptsRow & { begun: unknown }>(sql`
    with standing as (
      select users.* from users join passwords on passwords.user_id = users.id
      where users.id = ${userId} and users.tenant_id = ${tenantId} and ${userIsActive}
        and passwords.changed_at = ${changedAt}::timestamptz
      for no key update of users for share of passwords),
    ${heldAttempts(failuresOf(tenantId, subject), sql`standing`)},
    ${begin(ctx, beginning, who)},
    failures_forgotten as (delete from sign_in_failures using begun where ${failuresOf(tenantId, subject)})
    ${rehashed === null ? sql`` : rehash}
    ${isProved ? sql`` : used}
    select ${BEGUN} as begun, coalesce(max(failures), 0) as failures,
      coalesce(max(wait_seconds), 0) as wait_seconds
    from attempts`)
  const [row] = rows
  return { begun: readBegun(ctx, beginning, row?.begun), attempts: attemptsOf(row) }
}

export type AttemptsRow = { failures: number; wait_seconds: number }

export const attemptsOf = (row: AttemptsRow | undefined): Attempts => ({
  failures: row?.failures ?? 0,
  waitSeconds: row?.wait_seconds ?? 0,
})

/**
 * Counts a failed attempt, unless attempts are not heard: then nobody was told whether the password was right.
 * @param attempt.userId the account, where there is one: for the event when this failure is the last one heard
 * @param attempt.hasAccount whether there is one, where `userId` does not say it: what may be forgotten (src/housekeeping/store.ts)
 * @returns whether it counted, and how attempts stand now
 */
export async function countFailure(
  ctx: Storage,
  {
    tenantId,
    subject,
    userId,
    hasAccount = userId !== null,
  }: { tenantId: string; subject: Uint8Array; userId: string | null; hasAccount?: boolean },
): Promise<Attempts & { hasCounted: boolean }> {
  // An address without an account takes the same statement; there is only nobody to tell.
  const disabled = sql`
    select ${tenantId}::uuid as tenant_id, ${userId}::uuid as subject, '{}'::jsonb as data
    from counted where has_counted and failures = ${MAX_FAILURES} and ${userId}::uuid is not null`
  const { rows } = await ctx.db.execute<AttemptsRow & { has_counted: boolean }>(sql`
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
    recorded as (${recordEvent(ctx, 'password.disabled', disabled, { actor: sql`null`, rare: true })})
    select has_counted, failures, wait_seconds from counted`)
  const [row] = rows
  return { hasCounted: row?.has_counted ?? false, ...attemptsOf(row) }
}
