/**
 * What an administrator or an operator does for an account: disables and enables it, ends its sessions. Each change is one
 * batch: the account's row is locked, then one statement decides, does it and records it.
 */
import { type SQL, sql } from 'drizzle-orm'
import { isLastAdministrator } from '../accounts/administrators-store.ts'
import { beginEpochOf } from '../accounts/epoch-store.ts'
import { markEnabled } from '../accounts/store.ts'
import type { JobContext } from '../context.ts'
import type { ChangeType } from '../events/catalogue.ts'
import { type AnyRecorder, recordEvent } from '../events/outbox.ts'
import { actingOf, doneBy, lockAdministrators, lockTarget } from '../guard/acting-store.ts'
import { endedSessions, endSessionRows } from '../sessions/ended-store.ts'
import { rowsOf } from '../storage/rows.ts'
import { endAccess } from './store.ts'
import { NOTHING, OUTCOME, type Outcome, outcomeOf, reasonOf, type Target, targetOf } from './target-store.ts'

type Writer = Pick<JobContext, 'db'> & AnyRecorder

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
