/** The SQL of signing in with a password: what it reads, and the statement that begins a session. */
import { and, eq, sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { CanonicalEmail } from '../accounts/accounts.ts'
import type { Attempts } from '../accounts/attempts.ts'
import {
  ATTEMPTS,
  attemptsColumns,
  failuresOf,
  forgetAttempts,
  heldAttempts,
  NO_ATTEMPTS,
} from '../accounts/attempts-store.ts'
import { markUsed, userColumns, userIsActive } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import type { PasswordHash } from '../crypto/password-hash.ts'
import type { Recorder } from '../events/outbox.ts'
import type { Refusal } from '../problem.ts'
import { openSessionsOf } from '../sessions/session-limit-store.ts'
import { type Beginning, type Begun, readBegun } from '../sign-in/start.ts'
import { BEGUN, begin, beginningColumns } from '../sign-in/start-store.ts'
import { rowsOf } from '../storage/rows.ts'
import { passwords, signInFailures, signingKeys, tenantHosts, tenants, users } from '../storage/schema.ts'

type Storage = Pick<Context, 'db' | 'settings'> & Recorder

/** For `db.select({ password: passwordColumns, … })`: what `verify` takes, and when it was set. */
export const passwordColumns = {
  userId: passwords.userId,
  phc: passwords.phc,
  keyId: passwords.keyId,
  changedAt: passwords.changedAt,
}

/**
 * Everything a sign-in reads: tenant, key, how many attempts of `subject` failed, and the account with its password, or null
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
      attempts: attemptsColumns,
      openSessions: openSessionsOf(users.id),
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
 * @returns what began, or null, and the state of the attempts
 */
export async function signIn(
  ctx: Storage & Pick<Context, 'outcome'>,
  verified: VerifiedPassword,
  beginning: Beginning,
): Promise<{ begun: Begun | Refusal | null; attempts: Attempts }> {
  const { userId, tenantId, isProved, subject, changedAt, rehashed } = verified
  const who = sql`select * from standing where not exists (select from attempts where is_unheard)`
  const rehash = sql`,
    rehashed as (
      update passwords set phc = ${rehashed?.phc}, key_id = ${rehashed?.keyId}
      from begun where passwords.user_id = begun.id)`
  // An account that is used is never closed for want of a proof: its tenant came to let people in without one.
  const used = sql`,
    used as (${markUsed(sql`begun`)})`
  const [row] = await rowsOf(ctx.db, { ...ATTEMPTS, begun: v.unknown() })(sql`
    with standing as (
      select users.* from users join passwords on passwords.user_id = users.id
      where users.id = ${userId} and users.tenant_id = ${tenantId} and ${userIsActive}
        and passwords.changed_at = ${changedAt}::timestamptz
      for no key update of users for share of passwords),
    ${heldAttempts(failuresOf(tenantId, subject), sql`standing`)},
    ${begin(ctx, beginning, who)},
    failures_forgotten as (${forgetAttempts(sql`begun`, { tenantId, subjects: [subject] })})
    ${rehashed === null ? sql`` : rehash}
    ${isProved ? sql`` : used}
    select ${BEGUN} as begun, coalesce(max(failures), 0) as failures,
      coalesce(max(wait_seconds), 0) as wait_seconds
    from attempts`)
  return { begun: readBegun(ctx, beginning, row?.begun), attempts: row ?? NO_ATTEMPTS }
}
