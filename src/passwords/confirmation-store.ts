/** The SQL of a signed-in caller who gives the password again, to show that it is them or to choose another. */
import { and, eq, type SQL, sql } from 'drizzle-orm'
import { endAccess } from '../access/store.ts'
import {
  attemptsColumns,
  confirmationsFrom,
  failuresOf,
  forgetAttempts,
  heldAttempts,
} from '../accounts/attempts-store.ts'
import { beginEpochOf } from '../accounts/epoch-store.ts'
import type { Context } from '../context.ts'
import type { PasswordHash } from '../crypto/password-hash.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import type { Caller } from '../guard/demands.ts'
import { announceKey, ringState } from '../keys/auth-keys-store.ts'
import { sealedKeyColumns } from '../keys/store.ts'
import { lockUser } from '../one-time/store.ts'
import { endedSessions, keptInEpoch } from '../sessions/ended-store.ts'
import {
  NOT_RENEWED,
  RENEWAL,
  RENEWED,
  type Renewed,
  renewOnly,
  renewSession,
  standingSession,
} from '../sign-in/renewal-store.ts'
import { rowsOf } from '../storage/rows.ts'
import { passwords, sessions, signInFailures, signingKeys, tenantHosts } from '../storage/schema.ts'
import { passwordColumns } from './store.ts'

type Storage = Pick<Context, 'db' | 'host' | 'settings'> & Recorder

/** The password of the owner of session `sid`, how many confirmations failed, and the key that will sign. */
export function findToConfirm(ctx: Pick<Context, 'db' | 'host' | 'settings'>, sid: string) {
  return ctx.db
    .select({
      key: sealedKeyColumns,
      ring: ringState(ctx, 'password'),
      password: passwordColumns,
      attempts: attemptsColumns,
    })
    .from(tenantHosts)
    .innerJoin(sessions, and(eq(sessions.id, sid), eq(sessions.tenantId, tenantHosts.tenantId)))
    .leftJoin(signingKeys, eq(signingKeys.state, 'current'))
    .leftJoin(passwords, eq(passwords.userId, sessions.userId))
    .leftJoin(
      signInFailures,
      and(
        eq(signInFailures.tenantId, tenantHosts.tenantId),
        // The query is formed before any digest can be.
        confirmationsFrom(sql`${sid}`),
      ),
    )
    .where(eq(tenantHosts.host, ctx.host))
}

/** A row where the owner of session `sid` has a password. */
export const findOwnPassword = ({ db, host }: Pick<Context, 'db' | 'host'>, sid: string | SQL) =>
  db
    .select({ changedAt: passwords.changedAt })
    .from(passwords)
    .innerJoin(
      sessions,
      and(eq(sessions.userId, passwords.userId), eq(sessions.tenantId, passwords.tenantId)),
    )
    .innerJoin(tenantHosts, and(eq(tenantHosts.tenantId, passwords.tenantId), eq(tenantHosts.host, host)))
    .where(eq(sessions.id, sid))

export type Confirmed = {
  caller: Caller
  subject: Uint8Array
  /** `changed_at` of the password that was verified, exactly as it was read. */
  changedAt: string
}

/**
 * What `renewOnly` needs: the caller's session is authenticated anew if it and the password that was verified are still as they
 * were, and the attempt is heard.
 * @param also what else is set of the session
 */
const byPassword = ({ caller, subject, changedAt }: Confirmed, also = sql``) => ({
  members: heldAttempts(failuresOf(caller.tenant.id, subject), sql`standing`),
  renewal: {
    proof: sql`join passwords on passwords.user_id = caller.user_id and passwords.changed_at = ${changedAt}::timestamptz`,
    when: sql`not exists (select from attempts where is_unheard)`,
    also,
  },
  after: sql`
    failures_forgotten as (
      ${forgetAttempts(sql`renewed`, { tenantId: caller.tenant.id, subjects: [subject] })}),`,
})

/** Authenticates the caller's session anew. @returns it, or null with the state of the attempts */
export const confirmSession = (ctx: Storage, confirmed: Confirmed): Promise<Renewed> =>
  renewOnly(ctx, confirmed.caller, byPassword(confirmed))

/**
 * Sets the new password, ends every other session and voids what is mailed; the caller's session goes on.
 * @param account whose failed sign-ins are forgotten: they were guesses at another password
 */
export async function changePassword(
  ctx: Storage,
  confirmed: Confirmed,
  { chosen, account: subject }: { chosen: PasswordHash; account: Uint8Array },
): Promise<Renewed> {
  const { caller } = confirmed
  const { members, renewal, after } = byPassword(confirmed, sql`, ${keptInEpoch}`)
  const happened = sql`
    select tenant_id, user_id as subject,
      jsonb_build_object('by', 'change') || ${endedSessions} as data from renewed`
  const change = rowsOf(
    ctx.db,
    RENEWED,
  )(sql`
    with ${standingSession(caller, ctx.host)},
    ${members},
    renewed as (${renewSession(renewal)}),
    ${after}
    account as (select user_id, null::uuid as id from renewed),
    ${endAccess(sql`account`, { reason: 'secured', credentials: 'kept', sparing: sql`${caller.sessionId}::uuid` })},
    ${beginEpochOf(sql`renewed`, 'secured')},
    chosen as (
      update passwords set phc = ${chosen.phc}, key_id = ${chosen.keyId}, changed_at = clock_timestamp()
      from renewed where passwords.user_id = renewed.user_id),
    ${announceKey(ctx, sql`renewed`)},
    account_forgotten as (
      ${forgetAttempts(sql`renewed`, { tenantId: caller.tenant.id, subjects: [subject] })}),
    recorded as (${recordEvent(ctx, 'password.changed', happened)})
    ${RENEWAL}`)
  const [, [row]] = await ctx.db.batch([lockUser(ctx, caller.userId), change])
  return row ?? NOT_RENEWED
}
