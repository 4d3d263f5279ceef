/**
 * What an administrator or an operator does for an account: disables and enables it, ends its sessions. Each change is one
 * batch: the account's row is locked, then one statement decides, does it and records it.
 */
import { type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { isLastAdministrator } from '../accounts/administrators-store.ts'
import { beginEpochOf } from '../accounts/epoch-store.ts'
import { markEnabled } from '../accounts/store.ts'
import type { JobContext } from '../context.ts'
import type { ChangeType } from '../events/catalogue.ts'
import { type AnyRecorder, recordEvent } from '../events/outbox.ts'
import { type Acting, actingOf, doneBy, lockAdministrators, lockTarget } from '../guard/acting-store.ts'
import { CALLER, callerRow } from '../guard/caller-store.ts'
import { endedSessions, endSessionRows } from '../sessions/ended-store.ts'
import { type Row, rowsOf } from '../storage/rows.ts'
import { endAccess } from './store.ts'

type Writer = Pick<JobContext, 'db'> & AnyRecorder

/** The account whose change is asked for, by whom, and why: free text that goes into the event. */
export type Target = { acting: Acting; userId: string; reason?: string | null | undefined }

/** What an account is to those who administer it. */
export const STATUSES = ['active', 'disabled', 'closed', 'erased'] as const
export type Status = (typeof STATUSES)[number]

/** Over `users`. Of an account that is being erased the address is gone first. */
export const statusNow: SQL = sql`
  case when users.erased_at is not null or users.email is null then 'erased' when users.deleted_at is not null then 'closed'
    else users.status end`

export const OUTCOME = {
  ...CALLER,
  /** As the account was before; null where the tenant has no such account. */
  status: v.nullable(v.picklist(STATUSES)),
  isOwn: v.boolean(),
  isLast: v.boolean(),
  isChanged: v.boolean(),
}
export type Outcome = Row<typeof OUTCOME>

/** What there is to say of a caller whose session is over. */
export const NOTHING: Outcome = { caller: null, status: null, isOwn: false, isLast: false, isChanged: false }

/**
 * A disabled account cannot sign in, refresh or call; what its owner knows and holds stays, and works when it is enabled.
 * No administrator disables themselves.
 * @param options.last also the last administrator of the tenant
 */
export const disableAccount = (ctx: Writer, target: Target, { last }: { last: boolean }): Promise<Outcome> =>
  change(ctx, target, 'user.disabled', {
    of: sql`users.status = 'active' and users.deleted_at is null and users.id is distinct from caller.user_id
      and (${last}::boolean or not ${isLastAdministrator})`,
    ends: (account) => endAccess(account, { reason: 'revoked', credentials: 'kept' }),
    also: sql`status = 'disabled'`,
    losesAdministrator: true,
  })

/** Ends every session. Mailed links, which only the owner can read, go on working. */
export const signAccountOut = (ctx: Writer, target: Target): Promise<Outcome> =>
  change(ctx, target, 'user.signed_out', {
    of: sql`users.deleted_at is null`,
    ends: (account) => endSessionRows(account, { reason: 'revoked' }),
  })

export async function enableAccount(ctx: Writer, { acting, userId, reason }: Target): Promise<Outcome> {
  const happened = sql`select tenant_id, id as subject, ${reasonOf(reason)} as data from enabled`
  const [outcome] = await rowsOf(
    ctx.db,
    OUTCOME,
  )(sql`
    with ${actingOf(acting)},
    target as (${targetOf(userId)}),
    enabled as (${markEnabled(sql`target`)}),
    recorded as (${recordEvent(ctx, 'user.enabled', happened, doneBy(acting))})
    ${outcomeOf(sql`enabled`)}`)
  return outcome ?? NOTHING
}

/** What an event says of why. */
export const reasonOf = (reason: string | null = null): SQL =>
  sql`jsonb_strip_nulls(jsonb_build_object('reason', ${reason}::text))`

/** Over `caller`: the account, as it is now, if it is of that tenant. */
export const targetOf = (userId: string): SQL => sql`
  select users.*, ${statusNow} as status_now, users.id is not distinct from caller.user_id as is_own,
    ${isLastAdministrator} as is_last
  from users join caller on caller.tenant_id = users.tenant_id where users.id = ${userId}`

/** The end of a statement with `target`. @param changed the member that has a row where something was done */
export const outcomeOf = (changed: SQL): SQL => sql`
  select ${callerRow}, (select status_now from target) as status, exists (select from target where is_own) as is_own,
    exists (select from target where is_last) as is_last, exists (select from ${changed}) as is_changed`

type Change = {
  /** What the account must be, over `users` and `caller`. */
  of: SQL
  /** What ends of the account in the member that it is given. */
  ends: (account: SQL) => SQL
  /** What else is set of it. */
  also?: SQL
  losesAdministrator?: true
}

async function change(
  ctx: Writer,
  { acting, userId, reason }: Target,
  event: ChangeType,
  { of, ends, also, losesAdministrator }: Change,
): Promise<Outcome> {
  const happened = sql`
    select tenant_id, user_id as subject, ${endedSessions} || ${reasonOf(reason)} as data from account`
  const decide = rowsOf(
    ctx.db,
    OUTCOME,
  )(sql`
    with ${actingOf(acting)},
    target as (${targetOf(userId)}),
    account as (
      select users.id as user_id, users.tenant_id, null::uuid as id
      from users join caller on caller.tenant_id = users.tenant_id where users.id = ${userId} and ${of}),
    ${ends(sql`account`)},
    ${beginEpochOf(sql`account`, 'revoked', also)},
    recorded as (${recordEvent(ctx, event, happened, doneBy(acting))})
    ${outcomeOf(sql`account`)}`)
  const lock = lockTarget(ctx, acting, userId)
  const results = losesAdministrator
    ? await ctx.db.batch([lockAdministrators(ctx, acting), lock, decide])
    : await ctx.db.batch([lock, decide])
  const [outcome] = results.at(-1) as Outcome[] // the last of either batch
  return outcome ?? NOTHING
}
