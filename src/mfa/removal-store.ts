/**
 * The SQL of removing the second factors of an owner who lost them: an administrator asks for it, and a job carries it out when it
 * is due. An owner who signs in or steps up with a second factor after that has not lost it, and the removal is cancelled. This is
 * read from the sessions, so it holds for every factor and every way to sign in.
 */
import { type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { endAccess, removeSecondFactors } from '../access/store.ts'
import { forgetSecondFactorAttempts } from '../accounts/attempts-store.ts'
import { beginEpochOf } from '../accounts/epoch-store.ts'
import { userIsActive } from '../accounts/store.ts'
import type { Context, JobContext } from '../context.ts'
import { newId, type Recorder, recordEvent } from '../events/outbox.ts'
import { CALLER, callerOf, callerRow } from '../guard/caller-store.ts'
import type { Admin } from '../guard/demands.ts'
import { lockUser } from '../one-time/store.ts'
import { endedSessions } from '../sessions/ended-store.ts'
import { type Row, rowsOf, Time } from '../storage/rows.ts'
import { settingOf } from '../tenants/store.ts'

type Storage = Pick<Context, 'db' | 'host' | 'now' | 'random'> & Recorder

const REMOVAL = {
  id: v.string(),
  userId: v.string(),
  requestedBy: v.string(),
  reason: v.string(),
  requestedAt: Time,
  dueAt: Time,
}
export type Removal = Row<typeof REMOVAL>

const removalOf = (removal: SQL): SQL => sql`(
  select jsonb_build_object('id', id, 'userId', user_id, 'requestedBy', requested_by, 'reason', reason,
    'requestedAt', created_at, 'dueAt', due_at) from ${removal} limit 1)`

const hours = settingOf('second_factor_removal_hours')

const STARTED = { ...CALLER, removal: v.nullable(v.object(REMOVAL)), isThere: v.boolean() }

/**
 * Begins the waiting time; a removal that waits already is answered as it is.
 * @returns the caller, for `refuseUnless`; no removal where the account has no second factor or is not there
 */
export async function startRemoval(
  ctx: Storage,
  caller: Admin,
  { userId, reason }: { userId: string; reason: string },
): Promise<Row<typeof STARTED>> {
  const happened = sql`
    select tenant_id, user_id as subject, jsonb_build_object('removal_id', id, 'reason', reason,
      'due_at', to_char(due_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) as data from started`
  const start = rowsOf(
    ctx.db,
    STARTED,
  )(sql`
    with ${callerOf(caller, ctx.host)},
    target as (
      select users.id, users.tenant_id, users.second_factor_since from users join caller on caller.tenant_id = users.tenant_id
      where users.id = ${userId} and ${userIsActive}),
    started as (
      insert into second_factor_removals (id, tenant_id, user_id, requested_by, reason, created_at, due_at)
      select ${newId(ctx)}::uuid, tenants.id, target.id, ${caller.userId}::uuid, ${reason}, statement_timestamp(),
        statement_timestamp() + make_interval(hours => ${hours})
      from target join tenants on tenants.id = target.tenant_id where target.second_factor_since is not null
      on conflict (user_id) where settled_at is null do nothing returning *),
    recorded as (${recordEvent(ctx, 'second_factor.removal_requested', happened, { actor: sql`${caller.userId}::uuid`, rare: true })}),
    waiting as (
      select * from started union all
      select second_factor_removals.* from second_factor_removals join target on target.id = user_id where settled_at is null)
    select ${callerRow}, ${removalOf(sql`waiting`)} as removal, exists (select from target) as is_there`)
  const [, [row]] = await ctx.db.batch([lockUser(ctx, userId), start])
  return row ?? { caller: null, removal: null, isThere: false }
}

/** Those that wait, oldest first, in the tenant of session `sid`. */
export const findRemovals = (
  ctx: Pick<Context, 'db' | 'host'>,
  sid: string,
  { after, limit }: { after: string | null; limit: number },
) =>
  rowsOf(
    ctx.db,
    REMOVAL,
  )(sql`
    select removal.id, removal.user_id, removal.requested_by, removal.reason, removal.created_at as requested_at, removal.due_at
    from second_factor_removals as removal
    where removal.tenant_id = (
        select sessions.tenant_id from sessions join tenant_hosts using (tenant_id)
        where sessions.id = ${sid} and tenant_hosts.host = ${ctx.host})
      and removal.settled_at is null and (${after}::uuid is null or removal.id > ${after}::uuid)
    order by removal.id limit ${limit}`)

const CANCELLED = { ...CALLER, cancelled: v.number() }

export async function cancelRemoval(
  ctx: Storage,
  caller: Admin,
  userId: string,
): Promise<Row<typeof CANCELLED>> {
  const happened = sql`
    select tenant_id, user_id as subject, jsonb_build_object('removal_id', id, 'by', 'administrator') as data from cancelled`
  const cancel = rowsOf(
    ctx.db,
    CANCELLED,
  )(sql`
    with ${callerOf(caller, ctx.host)},
    cancelled as (
      update second_factor_removals set settled_at = clock_timestamp(), outcome = 'cancelled' from caller
      where second_factor_removals.user_id = ${userId} and second_factor_removals.tenant_id = caller.tenant_id
        and second_factor_removals.settled_at is null
      returning second_factor_removals.*),
    recorded as (${recordEvent(ctx, 'second_factor.removal_cancelled', happened, { actor: sql`${caller.userId}::uuid`, rare: true })})
    select ${callerRow}, (select count(*)::int from cancelled) as cancelled`)
  const [, [row]] = await ctx.db.batch([lockUser(ctx, userId), cancel])
  return row ?? { caller: null, cancelled: 0 }
}

/** Over `removal`. */
const isUsed = sql`exists (
  select from sessions where sessions.user_id = removal.user_id and sessions.aal > 1 and sessions.auth_time > removal.created_at)`

/** Over `removal`: whether it is due, or its owner has cancelled it. */
const isDecided = sql`removal.settled_at is null and (removal.due_at <= clock_timestamp() or ${isUsed})`

export const findDecided = ({ db }: Pick<JobContext, 'db'>, limit: number) =>
  rowsOf(db, { id: v.string(), userId: v.string() })(sql`
    select removal.id, removal.user_id from second_factor_removals as removal where ${isDecided}
    order by removal.due_at limit ${limit}`)

/** One batch: the account is locked, then one statement decides again and does it. @returns whether no other run had */
export async function settleRemoval(
  ctx: JobContext,
  { id, userId }: { id: string; userId: string },
): Promise<boolean> {
  const removed = sql`
    select tenant_id, user_id as subject, jsonb_build_object('factor', 'all', 'by', 'administrator') || ${endedSessions} as data
    from account`
  const kept = sql`
    select tenant_id, user_id as subject, jsonb_build_object('removal_id', removal_id, 'by', 'factor') as data
    from settled where is_used`
  const byTheService = { actor: sql`null`, rare: true }
  const settle = rowsOf(ctx.db, { userId: v.string() })(sql`
    with decided as (
      select removal.id, ${isUsed} as is_used from second_factor_removals as removal
      where removal.id = ${id} and ${isDecided} for update of removal),
    settled as (
      update second_factor_removals set settled_at = clock_timestamp(),
        outcome = case when decided.is_used then 'factor_used' else 'removed' end
      from decided where second_factor_removals.id = decided.id
      returning second_factor_removals.id as removal_id, second_factor_removals.tenant_id, second_factor_removals.user_id, decided.is_used),
    account as (select user_id, tenant_id, null::uuid as id from settled where not is_used),
    ${removeSecondFactors(sql`account`)},
    ${endAccess(sql`account`, { reason: 'secured', credentials: 'kept', purposes: sql`false` })},
    ${beginEpochOf(sql`account`, 'secured', sql`second_factor_since = null`)},
    failures_forgotten as (${forgetSecondFactorAttempts(sql`account`)}),
    removed_recorded as (${recordEvent(ctx, 'second_factor.removed', removed, byTheService)}),
    kept_recorded as (${recordEvent(ctx, 'second_factor.removal_cancelled', kept, byTheService)})
    select user_id from settled`)
  const [, settled] = await ctx.db.batch([lockUser(ctx, userId), settle])
  return settled.length === 1
}
