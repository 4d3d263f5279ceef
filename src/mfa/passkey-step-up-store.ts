/** The SQL of step-up with a passkey. */
import { and, eq, lt, type SQL, sql } from 'drizzle-orm'
import type { Context } from '../context.ts'
import type { Recorder } from '../events/outbox.ts'
import type { Caller } from '../guard/demands.ts'
import { ringState } from '../keys/auth-keys-store.ts'
import { sealedKeyColumns } from '../keys/store.ts'
import { type AnsweredCeremony, useAssertion } from '../passkeys/assertion-store.ts'
import { METHODS } from '../sign-in/methods.ts'
import { type Renewed, renewOnly } from '../sign-in/renewal-store.ts'
import { passkeys, sessions, signingKeys, tenantHosts } from '../storage/schema.ts'
import { credentialColumns, offeredPasskeys } from './passkey-step-store.ts'

/** Not one that stayed as a second factor and is no longer that either. */
const isUsable = sql`(passkeys.signs_in or passkeys.is_second_factor)`

/** The passkeys of the owner of session `sid` that they had before it began. */
export const findOfferedBefore = (ctx: Pick<Context, 'db' | 'host' | 'settings'>, sid: string | SQL) =>
  ctx.db
    .select({
      ring: ringState(ctx, 'passkey'),
      offered: offeredPasskeys(
        sql`passkeys.user_id = ${sessions.userId} and passkeys.created_at < ${sessions.createdAt}
          and ${isUsable}`,
      ),
    })
    .from(tenantHosts)
    .innerJoin(sessions, and(eq(sessions.id, sid), eq(sessions.tenantId, tenantHosts.tenantId)))
    .where(eq(tenantHosts.host, ctx.host))

/** The same of the one that is said to have signed, and the key that will sign. */
export const findAnsweredBefore = (
  ctx: Pick<Context, 'db' | 'host' | 'settings'>,
  sid: string,
  credentialId: Uint8Array,
) =>
  ctx.db
    .select({
      key: sealedKeyColumns,
      ring: ringState(ctx, 'passkey'),
      credential: credentialColumns,
    })
    .from(tenantHosts)
    .innerJoin(sessions, and(eq(sessions.id, sid), eq(sessions.tenantId, tenantHosts.tenantId)))
    .leftJoin(signingKeys, eq(signingKeys.state, 'current'))
    .leftJoin(
      passkeys,
      and(
        eq(passkeys.tenantId, tenantHosts.tenantId),
        eq(passkeys.userId, sessions.userId),
        eq(passkeys.credentialId, credentialId),
        lt(passkeys.createdAt, sessions.createdAt),
        isUsable,
      ),
    )
    .where(eq(tenantHosts.host, ctx.host))

/** @returns the session, or null where the challenge, the passkey or the session is gone */
export const stepUpWithPasskeyRow = (
  ctx: Pick<Context, 'db' | 'host'> & Recorder,
  caller: Caller,
  answered: AnsweredCeremony,
): Promise<Renewed> =>
  renewOnly(ctx, caller, {
    members: sql`
      asking as (
        select caller.user_id, caller.tenant_id from caller join standing on standing.id = caller.session_id),
      ${useAssertion(ctx, answered, sql`asking`)},
      -- No one guesses a signature.
      attempts as (select 0 as failures, 0 as wait_seconds where false)`,
    renewal: {
      proof: sql`join used on used.user_id = caller.user_id`,
      when: sql`true`,
      also: sql``,
      raises: METHODS.passkey,
    },
  })
