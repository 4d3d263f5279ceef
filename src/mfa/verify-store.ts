/** The SQL of the second step of a sign-in: the challenge and the code are used up by the statement that begins the session. */
import { and, eq, type SQL, sql } from 'drizzle-orm'
import { type Attempts, secondFactorSubject } from '../accounts/attempts.ts'
import {
  attemptsColumns,
  failuresOf,
  forgetAttempts,
  heldAttempts,
  secondFactorAttemptsOf,
} from '../accounts/attempts-store.ts'
import type { Context } from '../context.ts'
import type { Recorder } from '../events/outbox.ts'
import type { KeyedWorker } from '../keys/auth-keys.ts'
import type { Refusal } from '../problem.ts'
import { challengeColumns, challengeIs } from '../sign-in/challenge-store.ts'
import { endChallenge } from '../sign-in/end-challenge-store.ts'
import type { MfaTokenHash } from '../sign-in/mfa-token.ts'
import type { Beginning, Begun } from '../sign-in/start.ts'
import { beginningColumns } from '../sign-in/start-store.ts'
import type { NewTrust } from '../sign-in/trusted-device.ts'
import { trustDevice } from '../sign-in/trusted-device-store.ts'
import { mfaChallenges, signInFailures, signingKeys, tenantHosts, tenants, users } from '../storage/schema.ts'
import { factorsOf, isHeard, type MailedProof, type Proof, recoveryCodeUsed, useUp } from './factor-store.ts'

/** The challenge while it can be answered, what its account can answer with, and how its attempts are. */
export async function findChallenge(
  ctx: Pick<Context, 'db' | 'host' | 'settings'>,
  hash: MfaTokenHash,
  worker: KeyedWorker,
) {
  const [row] = await ctx.db
    .select({
      ...beginningColumns(ctx, worker),
      challenge: challengeColumns,
      email: users.email,
      factors: factorsOf(sql`${mfaChallenges.userId}`),
      attempts: attemptsColumns,
    })
    .from(tenantHosts)
    .innerJoin(tenants, eq(tenants.id, tenantHosts.tenantId))
    .leftJoin(signingKeys, eq(signingKeys.state, 'current'))
    .leftJoin(mfaChallenges, challengeIs(hash, 'sign_in'))
    .leftJoin(users, eq(users.id, mfaChallenges.userId))
    .leftJoin(
      signInFailures,
      and(eq(signInFailures.tenantId, tenants.id), secondFactorAttemptsOf(sql`${mfaChallenges.userId}`)),
    )
    .where(eq(tenantHosts.host, ctx.host))
  return row
}

/**
 * A select of `user_id`, over `heard`: the mailed code belongs to the challenge, which uses it up. None where the account has
 * a second factor by now, or another address.
 */
const stillMailed = ({ codeId, email }: MailedProof): SQL => sql`
  select heard.user_id from heard join users on users.id = heard.user_id
  join mfa_challenges on mfa_challenges.id = heard.id
  where users.second_factor_since is null and users.email = ${email} and users.email_verified_at is not null
    and mfa_challenges.code_id = ${codeId}::uuid and not mfa_challenges.is_by_email`

/** @returns what began, or null, and how attempts were */
export async function passChallenge(
  ctx: Pick<Context, 'db' | 'settings' | 'outcome'> & Recorder,
  { id, userId }: { id: string; userId: string },
  proof: Proof | MailedProof,
  beginning: Beginning,
  trust: NewTrust | null,
): Promise<{ begun: Begun | Refusal | null; attempts: Attempts }> {
  const tenantId = beginning.tenant.id
  const subject = await secondFactorSubject(userId)
  return endChallenge(
    ctx,
    { id, beginning },
    {
      members: sql`
        ${heldAttempts(failuresOf(tenantId, subject), sql`challenge`)},
        heard as (select * from challenge where ${isHeard(proof)}),
        proved as (${proof.method === 'email_code' ? stillMailed(proof) : useUp(proof, sql`heard`)})`,
      besides: sql`
        ${recoveryCodeUsed(ctx, proof, sql`consumed`)}
        failures_forgotten as (${forgetAttempts(sql`consumed`, { tenantId, subjects: [subject] })}),`,
      after: trustDevice(ctx, trust),
    },
  )
}
