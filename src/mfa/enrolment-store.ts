/** The SQL of adding, replacing and removing an authenticator app. Its batches lock the account first. */
import { and, eq, isNull, type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { endAccess } from '../access/store.ts'
import { secondFactorSubject } from '../accounts/attempts.ts'
import { attemptsColumns, forgetAttempts, secondFactorAttemptsOf } from '../accounts/attempts-store.ts'
import { beginEpochOf } from '../accounts/epoch-store.ts'
import type { Context } from '../context.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import { CALLER, callerRow } from '../guard/caller-store.ts'
import type { Caller } from '../guard/demands.ts'
import { announceKey, ringState } from '../keys/auth-keys-store.ts'
import { lockUser } from '../one-time/store.ts'
import { endedSessions, keepSession, keptInEpoch } from '../sessions/ended-store.ts'
import { renewSession, standingSession } from '../sign-in/renewal-store.ts'
import { databaseTime, mustHaveFactorNow } from '../sign-in/start-store.ts'
import { type Row, rowsOf } from '../storage/rows.ts'
import { sessions, signInFailures, tenantHosts, totpFactors } from '../storage/schema.ts'
import { factorsOf, hasBesides, hasSecondFactor } from './factor-store.ts'
import { PROOF_AMR } from './proof.ts'
import type { NewRecoveryCode } from './recovery-codes.ts'

export type Storage = Pick<Context, 'db' | 'host' | 'settings'> & Recorder

/** What a change came to: the caller, for `refuseUnless`, whether there was what it needed, and whether the tenant forbids it. */
const OUTCOME = { ...CALLER, hasChanged: v.boolean(), isNeeded: v.boolean() }
export type Outcome = Row<typeof OUTCOME>
const NOTHING: Outcome = { caller: null, hasChanged: false, isNeeded: false }

/** The end of a statement; `changed` is a member of its `with`. */
export const outcomeOf = (changed: SQL, isNeeded: SQL = sql`false`): SQL =>
  sql`select ${callerRow}, exists (select from ${changed}) as has_changed, ${isNeeded} as is_needed`

/** One statement, after the lock of the account. */
export async function decide(ctx: Storage, caller: Caller, statement: SQL): Promise<Outcome> {
  const [, [row]] = await ctx.db.batch([lockUser(ctx, caller.userId), rowsOf(ctx.db, OUTCOME)(statement)])
  return row ?? NOTHING
}

/** What the owner of session `sid` has as second factors, the app that waits to be confirmed, and how attempts are. */
export const findFactors = (ctx: Pick<Context, 'db' | 'host' | 'settings'>, sid: string) =>
  ctx.db
    .select({
      ring: ringState(ctx, 'mfa'),
      at: databaseTime,
      factors: factorsOf(sql`${sessions.userId}`),
      pending: { id: totpFactors.id, sealedSecret: totpFactors.sealedSecret },
      attempts: attemptsColumns,
    })
    .from(tenantHosts)
    .innerJoin(sessions, and(eq(sessions.id, sid), eq(sessions.tenantId, tenantHosts.tenantId)))
    .leftJoin(totpFactors, and(eq(totpFactors.userId, sessions.userId), isNull(totpFactors.confirmedAt)))
    .leftJoin(
      signInFailures,
      and(eq(signInFailures.tenantId, tenantHosts.tenantId), secondFactorAttemptsOf(sql`${sessions.userId}`)),
    )
    .where(eq(tenantHosts.host, ctx.host))

/** A member of a `with`, after `standingSession`: the caller's account, while their session lives. */
export const callerAsOwner = sql`
  owner as (
    select caller.user_id, caller.tenant_id from caller join standing on standing.id = caller.session_id)`

type Pending = { id: string; sealedSecret: string }

/** `insert … returning`: a new app of the account in `owner`, which opens nothing yet, in the place of one that was never confirmed. */
export const insertPending = ({ id, sealedSecret }: Pending): SQL => sql`
  insert into totp_factors (id, tenant_id, user_id, sealed_secret)
  select ${id}::uuid, tenant_id, user_id, ${sealedSecret} from owner
  on conflict (user_id) where confirmed_at is null do update set id = excluded.id,
    sealed_secret = excluded.sealed_secret, created_at = clock_timestamp()
  returning totp_factors.user_id`

export const addPending = (ctx: Storage, caller: Caller, pending: Pending): Promise<Outcome> =>
  decide(
    ctx,
    caller,
    sql`
    with ${standingSession(caller, ctx.host)},
    ${callerAsOwner},
    added as (${insertPending(pending)}),
    ${announceKey(ctx, sql`added`)}
    ${outcomeOf(sql`added`)}`,
  )

export type NewFactor = {
  factorId: string
  /** The step of the code that confirmed it: used up. */
  step: number
  /** The app that it takes the place of, which keeps its row: its id, and the secret sealed for that row. */
  replaces: { id: string; sealedSecret: string } | null
  codes: readonly NewRecoveryCode[]
}

/**
 * Members of a `with`: the app that waited for the account in `owner` counts from now on (`changed`), with new recovery codes;
 * its failures are forgotten, and its sessions end but the one named.
 */
export function confirmPending(
  ctx: Recorder & Pick<Context, 'settings'>,
  { factorId, step, replaces, codes }: NewFactor,
  { tenantId, subject, sparing }: { tenantId: string; subject: Uint8Array; sparing: SQL },
): SQL {
  const pending = sql`totp_factors.id = ${factorId} and totp_factors.user_id = owner.user_id and totp_factors.confirmed_at is null`
  // The unique indexes allow one confirmed row, so the row of the old app takes over the new secret.
  const changed = replaces
    ? sql`
      gone as (delete from totp_factors using owner where ${pending} returning totp_factors.user_id),
      changed as (
        update totp_factors set sealed_secret = ${replaces.sealedSecret}, confirmed_at = clock_timestamp(), last_used_step = ${step}
        from gone where totp_factors.id = ${replaces.id} and totp_factors.user_id = gone.user_id
        returning totp_factors.user_id, totp_factors.tenant_id)`
    : sql`
      changed as (
        update totp_factors set confirmed_at = clock_timestamp(), last_used_step = ${step} from owner where ${pending}
        returning totp_factors.user_id, totp_factors.tenant_id)`
  const happened = sql`
    select tenant_id, user_id as subject, jsonb_build_object('factor', 'totp') || ${endedSessions} as data from changed`
  return sql`
    ${changed},
    ${endOthers(sparing, hasSecondFactor)},
    ${replaceCodes(codes, sql`changed`)},
    failures_forgotten as (${forgetAttempts(sql`changed`, { tenantId, subjects: [subject] })}),
    added_recorded as (${recordEvent(ctx, 'second_factor.added', happened)})`
}

/** Members of a `with`, after `changed` (`user_id`): every session of the account ends but the one named. */
export const endOthers = (sparing: SQL, sets: SQL): SQL => sql`
  account as (select user_id, null::uuid as id from changed),
  ${endAccess(sql`account`, { reason: 'secured', credentials: 'kept', sparing, purposes: sql`false` })},
  ${beginEpochOf(sql`changed`, 'secured', sets)}`

/** Members of a `with`: the codes of the account in the member `of` (`user_id`, `tenant_id`) are these from now on. */
export const replaceCodes = (codes: readonly NewRecoveryCode[], of: SQL): SQL => sql`
  old_codes as (delete from recovery_codes using ${of} where recovery_codes.user_id = ${of}.user_id),
  codes as (
    insert into recovery_codes (id, tenant_id, user_id, sealed_hash)
    select made.id, ${of}.tenant_id, ${of}.user_id, made.sealed_hash
    from ${of}, jsonb_to_recordset(${JSON.stringify(codes.map(({ id, sealedHash }) => ({ id, sealed_hash: sealedHash })))}::jsonb)
      as made (id uuid, sealed_hash text))`

/** The app that waited counts; the caller's session is the one that goes on, and has passed both factors. */
export async function confirmFactor(ctx: Storage, caller: Caller, factor: NewFactor): Promise<Outcome> {
  const subject = await secondFactorSubject(caller.userId)
  const owner = { tenantId: caller.tenant.id, subject, sparing: sql`${caller.sessionId}::uuid` }
  return decide(
    ctx,
    caller,
    sql`
    with ${standingSession(caller, ctx.host)},
    ${callerAsOwner},
    ${confirmPending(ctx, factor, owner)},
    renewed as (${renewSession({
      proof: sql`join changed on changed.user_id = caller.user_id`,
      when: sql`true`,
      also: sql`, ${keptInEpoch}`,
      raises: { amr: PROOF_AMR, aal: 2 },
    })}),
    ${announceKey(ctx, sql`changed`)}
    ${outcomeOf(sql`changed`)}`,
  )
}

/** New codes, if the account has a second factor. */
export async function regenerateCodes(
  ctx: Storage,
  caller: Caller,
  codes: readonly NewRecoveryCode[],
): Promise<Outcome> {
  const happened = sql`select tenant_id, user_id as subject, '{}'::jsonb as data from owner`
  return decide(
    ctx,
    caller,
    sql`
    with ${standingSession(caller, ctx.host)},
    owner as (
      select users.id as user_id, users.tenant_id from users join caller on caller.user_id = users.id
      where users.second_factor_since is not null and exists (select from standing)),
    ${replaceCodes(codes, sql`owner`)},
    ${announceKey(ctx, sql`owner`)},
    recorded as (${recordEvent(ctx, 'recovery_codes.replaced', happened)})
    ${outcomeOf(sql`owner`)}`,
  )
}

/**
 * A second factor goes, unless it is the last and the tenant wants one of the account; the codes go with the last. Every other
 * session ends.
 * @param remains over `users`: whether there is another one
 * @param gone a statement that returns `user_id` and `tenant_id`, over `caller`, joined with `heard`
 */
export async function takeAway(
  ctx: Storage,
  caller: Caller,
  { factor, remains, gone }: { factor: 'totp' | 'passkey'; remains: SQL; gone: SQL },
): Promise<Outcome> {
  const happened = sql`
    select tenant_id, user_id as subject, jsonb_build_object('factor', ${factor}::text) || ${endedSessions} as data from changed`
  return decide(
    ctx,
    caller,
    sql`
    with ${standingSession(caller, ctx.host)},
    remaining as (select users.id from caller join users on users.id = caller.user_id where ${remains}),
    needed as (
      select users.id from caller join users on users.id = caller.user_id join tenants on tenants.id = users.tenant_id
      where ${mustHaveFactorNow} and not exists (select from remaining)),
    heard as (select id from standing where not exists (select from needed)),
    changed as (${gone}),
    ${endOthers(
      sql`${caller.sessionId}::uuid`,
      sql`second_factor_since = case when exists (select from remaining) then users.second_factor_since end`,
    )},
    ${keepSession(caller.sessionId, sql`changed`)},
    codes_gone as (
      delete from recovery_codes using changed
      where recovery_codes.user_id = changed.user_id and not exists (select from remaining)),
    recorded as (${recordEvent(ctx, 'second_factor.removed', happened)})
    ${outcomeOf(sql`changed`, sql`exists (select from needed)`)}`,
  )
}

/** The app goes. */
export const removeFactor = (ctx: Storage, caller: Caller): Promise<Outcome> =>
  takeAway(ctx, caller, {
    factor: 'totp',
    remains: hasBesides.totp,
    gone: sql`
      delete from totp_factors using caller join heard on heard.id = caller.session_id
      where totp_factors.user_id = caller.user_id and totp_factors.confirmed_at is not null
      returning totp_factors.user_id, totp_factors.tenant_id`,
  })
