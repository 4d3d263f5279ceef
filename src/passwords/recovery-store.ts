/** The SQL of proving an address and of taking an account back: by a mailed link alone, or with the password too. */
import { and, eq, gt, isNull, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { passwordLeft, proveAddress, proveAndSecure } from '../access/proof-store.ts'
import { forgetAttempts } from '../accounts/attempts-store.ts'
import { userColumns, userIsActive } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import type { PasswordHash } from '../crypto/password-hash.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import { announceKey, ringState } from '../keys/auth-keys-store.ts'
import type { OneTimeTokenHash } from '../one-time/one-time-token.ts'
import type { OneTimePurpose } from '../one-time/purposes.ts'
import { consumeToken, lockOwner } from '../one-time/store.ts'
import { endedSessions } from '../sessions/ended-store.ts'
import { rowsOf } from '../storage/rows.ts'
import { oneTimeTokens, passwords, tenantHosts, tenants, users } from '../storage/schema.ts'
import { tenantColumns } from '../tenants/store.ts'
import { passwordColumns } from './store.ts'

type Storage = Pick<Context, 'db' | 'host' | 'settings' | 'callerOrigin' | 'fetchSite' | 'origin'> & Recorder

/** The host's tenant, and whose the token is with their password, as long as it is alive; nothing is used up. */
export async function findByToken(
  ctx: Pick<Context, 'db' | 'host' | 'settings'>,
  hash: OneTimeTokenHash,
  purpose: OneTimePurpose,
) {
  const [row] = await ctx.db
    .select({
      tenant: tenantColumns,
      ring: ringState(ctx, 'password'),
      user: userColumns,
      password: passwordColumns,
    })
    .from(tenantHosts)
    .innerJoin(tenants, eq(tenants.id, tenantHosts.tenantId))
    .leftJoin(
      oneTimeTokens,
      and(
        eq(oneTimeTokens.hash, hash),
        eq(oneTimeTokens.tenantId, tenants.id),
        eq(oneTimeTokens.purpose, purpose),
        isNull(oneTimeTokens.consumedAt),
        gt(oneTimeTokens.expiresAt, sql`clock_timestamp()`),
      ),
    )
    .leftJoin(
      users,
      and(eq(users.id, oneTimeTokens.userId), eq(users.email, oneTimeTokens.subject), userIsActive),
    )
    .leftJoin(passwords, eq(passwords.userId, users.id))
    .where(eq(tenantHosts.host, ctx.host))
  return row
}

export type Reset = {
  hash: OneTimeTokenHash
  /** `verify_email` for a first proof alone. */
  purpose: 'reset_password' | 'invitation' | 'verify_email'
  passwordHash: PasswordHash
  /** Whose failed attempts are forgotten: those at the account, and from the caller's browser. */
  subjects: readonly Uint8Array[]
  tenantId: string
  name?: string | undefined
}

/**
 * Sets the password, proves the address, ends every session and voids every other token, or nothing: the token is used up
 * by the same statement.
 * @returns null when the token was not alive
 */
export async function resetPassword(
  ctx: Storage,
  { hash, purpose, passwordHash, subjects, tenantId, name }: Reset,
): Promise<{ rolesLeftOut: number } | null> {
  const by = purpose === 'reset_password' ? 'reset' : purpose
  const and = purpose === 'verify_email' ? sql`users.email_verified_at is null` : sql`true`
  const changed = sql`
    select tenant_id, user_id as subject,
      jsonb_build_object('by', ${by}::text) || ${endedSessions} as data from token`
  const reset = rowsOf(ctx.db, { rolesLeftOut: v.number() })(sql`
    with token as (${consumeToken(ctx, hash, [purpose], { and })}),
    ${proveAndSecure(ctx, purpose, name ?? null)},
    chosen as (
      insert into passwords (user_id, tenant_id, phc, key_id)
      select user_id, tenant_id, ${passwordHash.phc}, ${passwordHash.keyId} from token
      on conflict (user_id) do update set phc = excluded.phc, key_id = excluded.key_id, changed_at = clock_timestamp()),
    ${announceKey(ctx, sql`token`)},
    failures_forgotten as (${forgetAttempts(sql`token`, { tenantId, subjects })}),
    changed_recorded as (${recordEvent(ctx, 'password.changed', changed)})
    select greatest(0, wanted - cardinality(roles)) as roles_left_out from granted`)
  const [, [row]] = await ctx.db.batch([lockOwner(ctx, hash), reset])
  return row ?? null
}

export type Verification = {
  hash: OneTimeTokenHash
  /** `changed_at` of the password that the caller gave rightly, exactly as it was read; else null. */
  knownSince: string | null
  /** Whose failed sign-ins the first proof forgets: until then they were at no one's account. */
  subject: Uint8Array
  tenantId: string
}

/** What became of the password. */
const BECAME = ['kept', 'removed', 'none'] as const

/**
 * Proves the address. For the first time, everything that was there before dies with it, unless the caller knew the
 * password: then the person who created the account and the reader of the mail are the same (pre-hijacking).
 * @returns what became of the password, or null when the token was not alive
 */
export async function verifyEmail(
  ctx: Storage,
  { hash, knownSince, subject, tenantId }: Verification,
): Promise<(typeof BECAME)[number] | null> {
  const known = sql`exists (
    select from passwords where passwords.user_id = token.user_id and passwords.changed_at = ${knownSince}::timestamptz)`
  const verify = rowsOf(ctx.db, { password: v.picklist(BECAME) })(sql`
    with token as (${consumeToken(ctx, hash, ['verify_email'])}),
    ${proveAddress(ctx, 'verify_email', known)},
    failures_forgotten as (
      ${forgetAttempts(sql`token`, { tenantId, subjects: [subject], when: sql`token.email_verified_at is null` })})
    select ${passwordLeft} as password from token`)
  const [, [row]] = await ctx.db.batch([lockOwner(ctx, hash), verify])
  return row?.password ?? null
}
