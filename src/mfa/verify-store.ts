/** The SQL of the second step of a sign-in: the challenge and the code are used up by the statement that begins the session. */
import { and, eq, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { type Attempts, secondFactorSubject } from '../accounts/attempts.ts'
import {
  ATTEMPTS,
  attemptsColumns,
  failuresOf,
  forgetAttempts,
  heldAttempts,
  NO_ATTEMPTS,
  secondFactorAttemptsOf,
} from '../accounts/attempts-store.ts'
import type { Context } from '../context.ts'
import type { Recorder } from '../events/outbox.ts'
import type { KeyedWorker } from '../keys/auth-keys.ts'
import type { Refusal } from '../problem.ts'
import {
  challengeColumns,
  challengeIs,
  consumeChallenge,
  heldChallenge,
  lockChallenged,
} from '../sign-in/challenge-store.ts'
import type { MfaTokenHash } from '../sign-in/mfa-token.ts'
import { type Beginning, type Begun, readBegun } from '../sign-in/start.ts'
import { BEGUN, begin, beginningColumns } from '../sign-in/start-store.ts'
import { rowsOf } from '../storage/rows.ts'
import { mfaChallenges, signInFailures, signingKeys, tenantHosts, tenants } from '../storage/schema.ts'
import { factorsOf, type Proof, recoveryCodeUsed, useUp } from './factor-store.ts'

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
      factors: factorsOf(sql`${mfaChallenges.userId}`),
      attempts: attemptsColumns,
    })
    .from(tenantHosts)
    .innerJoin(tenants, eq(tenants.id, tenantHosts.tenantId))
    .leftJoin(signingKeys, eq(signingKeys.state, 'current'))
    .leftJoin(mfaChallenges, challengeIs(hash, 'sign_in'))
    .leftJoin(
      signInFailures,
      and(eq(signInFailures.tenantId, tenants.id), secondFactorAttemptsOf(sql`${mfaChallenges.userId}`)),
    )
    .where(eq(tenantHosts.host, ctx.host))
  return row
}

/** @returns what began, or null, and how attempts were */
export async function passChallenge(
  ctx: Pick<Context, 'db' | 'settings' | 'outcome'> & Recorder,
  { id, userId }: { id: string; userId: string },
  proof: Proof,
  beginning: Beginning,
): Promise<{ begun: Begun | Refusal | null; attempts: Attempts }> {
  const tenantId = beginning.tenant.id
  const subject = await secondFactorSubject(userId)
  const decide = rowsOf(ctx.db, { ...ATTEMPTS, begun: v.unknown() })(sql`
    with ${heldChallenge(id)},
    ${heldAttempts(failuresOf(tenantId, subject), sql`challenge`)},
    heard as (select * from challenge where not exists (select from attempts where is_unheard)),
    proved as (${useUp(proof, sql`heard`)}),
    consumed as (${consumeChallenge}),
    ${recoveryCodeUsed(ctx, proof, sql`consumed`)}
    failures_forgotten as (${forgetAttempts(sql`consumed`, { tenantId, subjects: [subject] })}),
    ${begin(ctx, beginning, sql`select users.* from users join consumed on consumed.user_id = users.id`)}
    select ${BEGUN} as begun, coalesce(max(failures), 0) as failures, coalesce(max(wait_seconds), 0) as wait_seconds
    from attempts`)
  const [, [row]] = await ctx.db.batch([lockChallenged(ctx, id), decide])
  return { begun: readBegun(ctx, beginning, row?.begun), attempts: row ?? NO_ATTEMPTS }
}
