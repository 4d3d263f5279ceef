/** The SQL of signing in with a passkey. */
import { and, eq, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { userIsActive } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import { ringState } from '../keys/auth-keys-store.ts'
import { lockUser } from '../one-time/store.ts'
import type { Refusal } from '../problem.ts'
import { type Beginning, type Begun, readBegun } from '../sign-in/start.ts'
import { BEGUN, begin, beginningColumns } from '../sign-in/start-store.ts'
import { rowsOf } from '../storage/rows.ts'
import { passkeys, signingKeys, tenantHosts, tenants, users } from '../storage/schema.ts'
import { tenantColumns } from '../tenants/store.ts'
import type { Tenant } from '../tenants/tenants.ts'
import type { Ceremony } from './ceremony.ts'
import { consumeCeremony } from './ceremony-store.ts'
import { base64Url } from './passkey-store.ts'
import type { VerifiedAssertion } from './webauthn.ts'

/** The tenant of the host, and the state of the ring: a challenge is asked for by every Worker that answers it. */
export const findTenantForOptions = (ctx: Pick<Context, 'db' | 'host' | 'settings'>) =>
  ctx.db
    .select({ tenant: tenantColumns, ring: ringState(ctx, 'passkey') })
    .from(tenantHosts)
    .innerJoin(tenants, eq(tenants.id, tenantHosts.tenantId))
    .where(eq(tenantHosts.host, ctx.host))

/** The tenant of the host, and its passkey of this id with its owner, if there is one. */
export async function findForSignIn(
  ctx: Pick<Context, 'db' | 'host' | 'settings'>,
  credentialId: Uint8Array,
) {
  const [row] = await ctx.db
    .select({
      ...beginningColumns(ctx, 'passkey'),
      credential: {
        id: passkeys.id,
        userId: users.id,
        publicKey: base64Url(passkeys.publicKey),
        backupEligible: passkeys.backupEligible,
        email: users.email,
        isProved: sql<boolean>`${users.emailVerifiedAt} is not null`,
        isActive: sql<boolean>`${userIsActive}`,
      },
    })
    .from(tenantHosts)
    .innerJoin(tenants, eq(tenants.id, tenantHosts.tenantId))
    .leftJoin(signingKeys, eq(signingKeys.state, 'current'))
    .leftJoin(passkeys, and(eq(passkeys.tenantId, tenants.id), eq(passkeys.credentialId, credentialId)))
    .leftJoin(users, eq(users.id, passkeys.userId))
    .where(eq(tenantHosts.host, ctx.host))
  return row && { ...row, credential: foundOf(row.credential) }
}

/** Of a left join: every column is there, or none. */
const foundOf = ({ id, userId, backupEligible, ...rest }: Joined) =>
  id === null || userId === null || backupEligible === null ? null : { id, userId, backupEligible, ...rest }

type Joined = {
  id: string | null
  userId: string | null
  publicKey: string
  backupEligible: boolean | null
  email: string | null
  isProved: boolean
  isActive: boolean
}

export type FoundCredential = NonNullable<ReturnType<typeof foundOf>>

/**
 * Ends the ceremony and begins the session, if the account may still sign in and the counter has not gone back. Copies of a
 * passkey that is backed up count by themselves, so there it is an event and no more (WebAuthn §6.1.1).
 */
export async function signIn(
  ctx: Pick<Context, 'db' | 'host' | 'settings' | 'outcome'> & Recorder,
  {
    id,
    userId,
    tenant,
    ceremony,
    counter,
    backedUp,
  }: VerifiedAssertion & { id: string; userId: string; tenant: Tenant; ceremony: Ceremony },
  beginning: Beginning,
): Promise<Begun | Refusal | null> {
  const isProved = sql`(users.email_verified_at is not null or ${tenant.policy.registration === 'sign-in-at-once'}::boolean)`
  const wentBack = sql`select tenant_id, user_id as subject,
    jsonb_build_object('passkey_id', id, 'refused', not is_heard) as data from seen where has_gone_back`
  const decide = rowsOf(ctx.db, { begun: v.unknown() })(sql`
    with owner as (
      select users.* from users
      where users.id = ${userId} and users.tenant_id = ${tenant.id} and ${userIsActive} and ${isProved}),
    ceremony as (${consumeCeremony(ceremony, sql`owner`)}),
    counted as (
      select passkeys.id, passkeys.tenant_id, passkeys.user_id,
        (${counter}::bigint > 0 or passkeys.counter > 0) and ${counter}::bigint <= passkeys.counter as has_gone_back,
        passkeys.backup_eligible and (passkeys.backed_up or ${backedUp}::boolean) as is_copied
      from passkeys join ceremony on ceremony.tenant_id = passkeys.tenant_id join owner on owner.id = passkeys.user_id
      where passkeys.id = ${id} for no key update of passkeys),
    seen as (select *, not has_gone_back or is_copied as is_heard from counted),
    used as (
      update passkeys set counter = greatest(passkeys.counter, ${counter}::bigint), backed_up = ${backedUp}::boolean,
        last_used_at = clock_timestamp()
      from seen where passkeys.id = seen.id and seen.is_heard returning passkeys.user_id),
    went_back as (${recordEvent(ctx, 'passkey.counter_went_back', wentBack, { rare: true })}),
    ${begin(ctx, beginning, sql`select owner.* from owner join used on used.user_id = owner.id`)}
    select ${BEGUN} as begun`)
  const [, [row]] = await ctx.db.batch([lockUser(ctx, userId), decide])
  return readBegun(ctx, beginning, row?.begun)
}
