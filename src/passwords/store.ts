/** The SQL of passwords: what a sign-in reads, and the statements that register and sign in. */
import { and, eq, sql } from 'drizzle-orm'
import type { CanonicalEmail } from '../accounts/accounts.ts'
import { insertUser, type NewUser, userColumns, userIsActive } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import type { PasswordHash } from '../crypto/password-hash.ts'
import { recordEvent } from '../events/outbox.ts'
import { sealedKeyColumns } from '../keys/store.ts'
import { type NewSession, type StartedRow, selectStarted, startSession } from '../sessions/store.ts'
import { passwords, signingKeys, tenantHosts, tenants, users } from '../storage/schema.ts'
import { tenantColumns } from '../tenants/store.ts'

type Storage = Pick<Context, 'db' | 'client' | 'now' | 'random'>

/** Everything a registration reads: the host's tenant and the key that will sign. */
export async function findForRegistration({ db, host }: Pick<Context, 'db' | 'host'>) {
  const [row] = await db
    .select({ tenant: tenantColumns, key: sealedKeyColumns })
    .from(tenantHosts)
    .innerJoin(tenants, eq(tenants.id, tenantHosts.tenantId))
    .leftJoin(signingKeys, eq(signingKeys.state, 'current'))
    .where(eq(tenantHosts.host, host))
  return row
}

/** Everything a sign-in reads: tenant, key, and the account with its password, or null where there is none. */
export async function findForSignIn({ db, host }: Pick<Context, 'db' | 'host'>, email: CanonicalEmail) {
  const [row] = await db
    .select({
      tenant: tenantColumns,
      key: sealedKeyColumns,
      user: userColumns,
      password: { phc: passwords.phc, keyId: passwords.keyId, changedAt: passwords.changedAt },
    })
    .from(tenantHosts)
    .innerJoin(tenants, eq(tenants.id, tenantHosts.tenantId))
    .leftJoin(signingKeys, eq(signingKeys.state, 'current'))
    .leftJoin(
      users,
      and(eq(users.tenantId, tenants.id), eq(users.email, email), sql`${users.deletedAt} is null`),
    )
    .leftJoin(passwords, eq(passwords.userId, users.id))
    .where(eq(tenantHosts.host, host))
  return row
}

/**
 * Creates account, password and session, or nothing: one statement. The unique index decides between simultaneous
 * registrations of one address (FINDINGS F19).
 * @returns the session's row, or null when the address is taken
 */
export async function register(ctx: Storage, user: NewUser, hash: PasswordHash, session: NewSession) {
  const registered = sql`select tenant_id, id as subject, '{}'::jsonb as data from account`
  const { rows } = await ctx.db.execute<StartedRow>(sql`
    with account as (${insertUser(user)}),
    stored as (
      insert into passwords (user_id, tenant_id, phc, key_id)
      select id, tenant_id, ${hash.phc}, ${hash.keyId} from account),
    account_recorded as (${recordEvent(ctx, 'user.registered', registered)}),
    ${startSession(ctx, session, sql`from account as users`)}
    ${selectStarted}`)
  return rows[0] ?? null
}

export type VerifiedPassword = {
  userId: string
  tenantId: string
  /** `changed_at` of the password that was verified, exactly as it was read. */
  changedAt: string
  /** The same password hashed again, when cost or pepper have risen since. */
  rehashed: PasswordHash | null
}

/**
 * Begins a session for an account whose password was verified, provided that the account is still active and the
 * password is still that one: both may have changed while the hash ran. Their rows are locked, so neither can
 * change before the session is there to be revoked with the others.
 * @returns the session's row, or null when account or password changed
 */
export async function signIn(ctx: Storage, verified: VerifiedPassword, session: NewSession) {
  const { userId, tenantId, changedAt, rehashed } = verified
  const from = sql`from users join passwords on passwords.user_id = users.id
    where users.id = ${userId} and users.tenant_id = ${tenantId} and ${userIsActive}
      and passwords.changed_at = ${changedAt}::timestamptz
    for no key update of users for share of passwords`
  const rehash = sql`,
    rehashed as (
      update passwords set phc = ${rehashed?.phc}, key_id = ${rehashed?.keyId}
      from started where passwords.user_id = started.user_id)`
  const { rows } = await ctx.db.execute<StartedRow>(sql`
    with ${startSession(ctx, session, from)},
    failures_reset as (
      update users set consecutive_failures = 0, next_attempt_at = null
      from started where users.id = started.user_id and users.consecutive_failures > 0)
    ${rehashed === null ? sql`` : rehash}
    ${selectStarted}`)
  return rows[0] ?? null
}

/** Counts a failed attempt; for an unknown account (any id) the same statement finds nothing to count. */
export async function countFailure(
  { db }: Pick<Context, 'db'>,
  tenantId: string,
  userId: string,
): Promise<void> {
  await db
    .update(users)
    .set({ consecutiveFailures: sql`${users.consecutiveFailures} + 1` })
    .where(and(eq(users.tenantId, tenantId), eq(users.id, userId)))
}
