/** The SQL of a second step with a passkey: the challenges and the use are taken by the statement that begins the session. */
import { and, eq, type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { Context } from '../context.ts'
import type { Recorder } from '../events/outbox.ts'
import { type AnsweredCeremony, useAssertion } from '../passkeys/assertion-store.ts'
import type { Offered } from '../passkeys/options.ts'
import { base64Url } from '../passkeys/passkey-store.ts'
import type { Refusal } from '../problem.ts'
import { challengeColumns, challengeIs } from '../sign-in/challenge-store.ts'
import { endChallenge } from '../sign-in/end-challenge-store.ts'
import type { MfaTokenHash } from '../sign-in/mfa-token.ts'
import type { Beginning, Begun } from '../sign-in/start.ts'
import { beginningColumns } from '../sign-in/start-store.ts'
import type { NewTrust } from '../sign-in/trusted-device.ts'
import { trustDevice } from '../sign-in/trusted-device-store.ts'
import { mfaChallenges, passkeys, signingKeys, tenantHosts, tenants } from '../storage/schema.ts'

const OFFERED = v.array(v.object({ credentialId: v.string(), transports: v.array(v.string()) }))

/** For `db.select`: the passkeys with which a browser can answer, those for which `where` is so. */
export const offeredPasskeys = (where: SQL) =>
  sql`(
  select coalesce(jsonb_agg(jsonb_build_object('credentialId', ${base64Url(sql`credential_id`)}, 'transports', transports)
    order by id), '[]') from passkeys where ${where})`.mapWith((value: unknown): Offered[] =>
    v.parse(OFFERED, value),
  )

/** For `db.select`, with a left join of `passkeys`: what verifies an answer. */
export const credentialColumns = {
  id: passkeys.id,
  publicKey: base64Url(passkeys.publicKey),
  backupEligible: passkeys.backupEligible,
  isImported: passkeys.isImported,
}

/** The challenge while it can be answered, and the passkeys that can. */
export async function findOffered(ctx: Pick<Context, 'db' | 'host' | 'settings'>, hash: MfaTokenHash) {
  const [row] = await ctx.db
    .select({
      ...beginningColumns(ctx, 'passkey'),
      challenge: challengeColumns,
      offered: offeredPasskeys(sql`passkeys.user_id = ${mfaChallenges.userId} and passkeys.is_second_factor`),
    })
    .from(tenantHosts)
    .innerJoin(tenants, eq(tenants.id, tenantHosts.tenantId))
    .leftJoin(signingKeys, eq(signingKeys.state, 'current'))
    .leftJoin(mfaChallenges, challengeIs(hash, 'sign_in'))
    .where(eq(tenantHosts.host, ctx.host))
  return row
}

/** The challenge while it can be answered, and the passkey of its account that is said to have signed. */
export async function findAnswered(
  ctx: Pick<Context, 'db' | 'host' | 'settings'>,
  hash: MfaTokenHash,
  credentialId: Uint8Array,
) {
  const [row] = await ctx.db
    .select({
      ...beginningColumns(ctx, 'passkey'),
      challenge: challengeColumns,
      credential: credentialColumns,
    })
    .from(tenantHosts)
    .innerJoin(tenants, eq(tenants.id, tenantHosts.tenantId))
    .leftJoin(signingKeys, eq(signingKeys.state, 'current'))
    .leftJoin(mfaChallenges, challengeIs(hash, 'sign_in'))
    .leftJoin(
      passkeys,
      and(
        eq(passkeys.tenantId, tenants.id),
        eq(passkeys.userId, mfaChallenges.userId),
        eq(passkeys.credentialId, credentialId),
        passkeys.isSecondFactor,
      ),
    )
    .where(eq(tenantHosts.host, ctx.host))
  return row
}

/** @returns what began, or null */
export async function passWithPasskey(
  ctx: Pick<Context, 'db' | 'settings' | 'outcome'> & Recorder,
  { challengeId, ...answered }: AnsweredCeremony & { challengeId: string },
  beginning: Beginning,
  trust: NewTrust | null,
): Promise<Begun | Refusal | null> {
  const { begun } = await endChallenge(
    ctx,
    { id: challengeId, beginning },
    {
      members: sql`
        answering as (
          select challenge.tenant_id, challenge.user_id from challenge
          -- It may have been taken away as a second factor meanwhile.
          join passkeys on passkeys.id = ${answered.id} and passkeys.user_id = challenge.user_id and passkeys.is_second_factor),
        ${useAssertion(ctx, answered, sql`answering`)},
        proved as (select user_id from used),
        -- No one guesses a signature.
        attempts as (select 0 as failures, 0 as wait_seconds where false)`,
      after: trustDevice(ctx, trust),
    },
  )
  return begun
}
