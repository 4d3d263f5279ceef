/** The SQL of signing in with a passkey. */
import { and, eq, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { userIsActive } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import type { Recorder } from '../events/outbox.ts'
import { ringState } from '../keys/auth-keys-store.ts'
import { lockUser } from '../one-time/store.ts'
import type { Refusal } from '../problem.ts'
import { type Beginning, type Begun, readBegun } from '../sign-in/start.ts'
import { BEGUN, begin, beginningColumns } from '../sign-in/start-store.ts'
import { rowsOf } from '../storage/rows.ts'
import { passkeys, signingKeys, tenantHosts, tenants, users } from '../storage/schema.ts'
import { tenantColumns } from '../tenants/store.ts'
import type { Tenant } from '../tenants/tenants.ts'
import { type AnsweredCeremony, useAssertion } from './assertion-store.ts'
import { base64Url } from './passkey-store.ts'

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
        isImported: passkeys.isImported,
        email: users.email,
        isProved: sql<boolean>`${users.emailVerifiedAt} is not null`,
        isActive: sql<boolean>`${userIsActive}`,
      },
    })
    .from(tenantHosts)
    .innerJoin(tenants, eq(tenants.id, tenantHosts.tenantId))
    .leftJoin(signingKeys, eq(signingKeys.state, 'current'))
    .leftJoin(
      passkeys,
      and(eq(passkeys.tenantId, tenants.id), eq(passkeys.credentialId, credentialId), passkeys.signsIn),
    )
    .leftJoin(users, eq(users.id, passkeys.userId))
    .where(eq(tenantHosts.host, ctx.host))
  return row && { ...row, credential: foundOf(row.credential) }
}

/** Of a left join: every column is there, or none. */
const foundOf = ({ id, userId, backupEligible, isImported, ...rest }: Joined) =>
  id === null || userId === null || backupEligible === null || isImported === null
    ? null
    : { id, userId, backupEligible, isImported, ...rest }

type Joined = {
  id: string | null
  userId: string | null
  publicKey: string
  backupEligible: boolean | null
  isImported: boolean | null
  email: string | null
  isProved: boolean
  isActive: boolean
}

export type FoundCredential = NonNullable<ReturnType<typeof foundOf>>

/** Ends the ceremony and begins the session, if the account may still sign in. */
export async function signIn(
  ctx: Pick<Context, 'db' | 'host' | 'settings' | 'outcome'> & Recorder,
  { userId, tenant, ...answered }: AnsweredCeremony & { userId: string; tenant: Tenant },
  beginning: Beginning,
): Promise<Begun | Refusal | null> {
  const isProved = sql`(users.email_verified_at is not null or ${tenant.policy.registration === 'sign-in-at-once'}::boolean)`
  const decide = rowsOf(ctx.db, { begun: v.unknown() })(sql`
    with owner as (
      select users.* from users
      where users.id = ${userId} and users.tenant_id = ${tenant.id} and ${userIsActive} and ${isProved}
        and exists (select from passkeys where passkeys.id = ${answered.id} and passkeys.signs_in)),
    signing_in as (select tenant_id, id as user_id from owner),
    ${useAssertion(ctx, answered, sql`signing_in`)},
    ${begin(ctx, beginning, sql`select owner.* from owner join used on used.user_id = owner.id`)}
    select ${BEGUN} as begun`)
  const [, [row]] = await ctx.db.batch([lockUser(ctx, userId), decide])
  return readBegun(ctx, beginning, row?.begun)
}
