/** The SQL of step-up: the code is used up by the statement that authenticates the session anew. */
import { and, eq, sql } from 'drizzle-orm'
import { secondFactorSubject } from '../accounts/attempts.ts'
import {
  attemptsColumns,
  failuresOf,
  forgetAttempts,
  heldAttempts,
  secondFactorAttemptsOf,
} from '../accounts/attempts-store.ts'
import type { Context } from '../context.ts'
import type { Recorder } from '../events/outbox.ts'
import type { Caller } from '../guard/demands.ts'
import { ringState } from '../keys/auth-keys-store.ts'
import { sealedKeyColumns } from '../keys/store.ts'
import { type Renewed, renewOnly } from '../sign-in/renewal-store.ts'
import { databaseTime } from '../sign-in/start-store.ts'
import { sessions, signInFailures, signingKeys, tenantHosts } from '../storage/schema.ts'
import { factorsOf, isHeard, type Proof, recoveryCodeUsed, useUp } from './factor-store.ts'
import { PROOF_AMR } from './proof.ts'

/** The factors of the owner of session `sid`, how attempts at them are, and the key that will sign. */
export const findToStepUp = (ctx: Pick<Context, 'db' | 'host' | 'settings'>, sid: string) =>
  ctx.db
    .select({
      key: sealedKeyColumns,
      ring: ringState(ctx, 'mfa'),
      at: databaseTime,
      // A factor of this very session proves nothing about who holds it.
      factors: factorsOf(sql`${sessions.userId}`, sql`${sessions.createdAt}`),
      attempts: attemptsColumns,
    })
    .from(tenantHosts)
    .innerJoin(sessions, and(eq(sessions.id, sid), eq(sessions.tenantId, tenantHosts.tenantId)))
    .leftJoin(signingKeys, eq(signingKeys.state, 'current'))
    .leftJoin(
      signInFailures,
      and(eq(signInFailures.tenantId, tenantHosts.tenantId), secondFactorAttemptsOf(sql`${sessions.userId}`)),
    )
    .where(eq(tenantHosts.host, ctx.host))

/** @returns the session, or null where the code or the session is gone, and how attempts were */
export async function stepUpSession(
  ctx: Pick<Context, 'db' | 'host' | 'settings'> & Recorder,
  caller: Caller,
  proof: Proof,
): Promise<Renewed> {
  const tenantId = caller.tenant.id
  const subject = await secondFactorSubject(caller.userId)
  return renewOnly(ctx, caller, {
    members: sql`
      ${heldAttempts(failuresOf(tenantId, subject), sql`standing`)},
      heard as (
        select caller.user_id from caller join standing on standing.id = caller.session_id
        where ${isHeard(proof)}),
      proved as (${useUp(proof, sql`heard`)})`,
    renewal: {
      proof: sql`join proved on proved.user_id = caller.user_id`,
      when: sql`true`,
      also: sql``,
      raises: { amr: PROOF_AMR, aal: 2 },
    },
    after: sql`
      ${recoveryCodeUsed(ctx, proof, sql`proved`)}
      failures_forgotten as (${forgetAttempts(sql`renewed`, { tenantId, subjects: [subject] })}),`,
  })
}
