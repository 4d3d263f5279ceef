/** The SQL of adding the second factor that a sign-in needs first: an `lkm_…` token of that purpose identifies the caller. */
import { and, eq, isNull, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { type Attempts, secondFactorSubject } from '../accounts/attempts.ts'
import {
  attemptsColumns,
  failuresOf,
  heldAttempts,
  secondFactorAttemptsOf,
} from '../accounts/attempts-store.ts'
import { userColumns, userIsActive } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import type { Recorder } from '../events/outbox.ts'
import { announceKey } from '../keys/auth-keys-store.ts'
import type { Refusal } from '../problem.ts'
import { challengeColumns, challengeIs, heldChallenge, lockChallenged } from '../sign-in/challenge-store.ts'
import { endChallenge } from '../sign-in/end-challenge-store.ts'
import type { MfaTokenHash } from '../sign-in/mfa-token.ts'
import type { Beginning, Begun } from '../sign-in/start.ts'
import { beginningColumns } from '../sign-in/start-store.ts'
import { rowsOf } from '../storage/rows.ts'
import {
  mfaChallenges,
  signInFailures,
  signingKeys,
  tenantHosts,
  tenants,
  totpFactors,
  users,
} from '../storage/schema.ts'
import { confirmPending, insertPending, type NewFactor } from './enrolment-store.ts'

type Storage = Pick<Context, 'db' | 'settings' | 'outcome'> & Recorder

/** The challenge while a factor can be added with it, whose it is, the app that waits, and how attempts are. */
export async function findEnrolment(ctx: Pick<Context, 'db' | 'host' | 'settings'>, hash: MfaTokenHash) {
  const [row] = await ctx.db
    .select({
      ...beginningColumns(ctx, 'mfa'),
      challenge: challengeColumns,
      user: userColumns,
      pending: { id: totpFactors.id, sealedSecret: totpFactors.sealedSecret },
      attempts: attemptsColumns,
    })
    .from(tenantHosts)
    .innerJoin(tenants, eq(tenants.id, tenantHosts.tenantId))
    .leftJoin(signingKeys, eq(signingKeys.state, 'current'))
    .leftJoin(mfaChallenges, challengeIs(hash, 'enrol'))
    .leftJoin(users, and(eq(users.id, mfaChallenges.userId), userIsActive))
    .leftJoin(totpFactors, and(eq(totpFactors.userId, mfaChallenges.userId), isNull(totpFactors.confirmedAt)))
    .leftJoin(
      signInFailures,
      and(eq(signInFailures.tenantId, tenants.id), secondFactorAttemptsOf(sql`${mfaChallenges.userId}`)),
    )
    .where(eq(tenantHosts.host, ctx.host))
  return row
}

const OWNER = sql`owner as (select user_id, tenant_id from challenge)`

/** @returns whether the challenge still held */
export async function addByChallenge(
  ctx: Storage,
  challengeId: string,
  pending: { id: string; sealedSecret: string },
): Promise<boolean> {
  const add = rowsOf(ctx.db, { userId: v.string() })(sql`
    with ${heldChallenge(challengeId)},
    ${OWNER},
    added as (${insertPending(pending)}),
    ${announceKey(ctx, sql`added`)}
    select user_id from added`)
  const [, added] = await ctx.db.batch([lockChallenged(ctx, challengeId), add])
  return added.length === 1
}

/** The app counts, the challenge is used up and the session begins that it was in the place of. */
export async function confirmByChallenge(
  ctx: Storage,
  { id, userId }: { id: string; userId: string },
  factor: NewFactor,
  beginning: Beginning,
): Promise<{ begun: Begun | Refusal | null; attempts: Attempts }> {
  const tenantId = beginning.tenant.id
  const subject = await secondFactorSubject(userId)
  return endChallenge(
    ctx,
    { id, beginning },
    {
      members: sql`
        ${heldAttempts(failuresOf(tenantId, subject), sql`challenge`)},
        owner as (select user_id, tenant_id from challenge where not exists (select from attempts where is_unheard)),
        ${confirmPending(ctx, factor, { tenantId, subject, sparing: sql`null::uuid` })},
        proved as (select user_id from changed)`,
    },
  )
}
