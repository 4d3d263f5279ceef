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
import { doneBy } from '../guard/acting-store.ts'
import { endedSessions, endSessionRows } from '../sessions/ended-store.ts'
import { endAccess } from './store.ts'
import { changeAccount, type Outcome, reasonOf, type Target } from './target-store.ts'

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

export const enableAccount = (ctx: Writer, target: Target): Promise<Outcome> => {
  const { acting, reason } = target
  const happened = sql`select tenant_id, id as subject, ${reasonOf(reason)} as data from enabled`
  return changeAccount(ctx, target, {
    changed: sql`enabled`,
    members: sql`
      enabled as (${markEnabled(sql`target`)}),
      recorded as (${recordEvent(ctx, 'user.enabled', happened, doneBy(acting))})`,
  })
}

type Change = {
  /** What the account must be, over `users` and `caller`. */
  of: SQL
  /** What ends of the account in the member that it is given. */
  ends: (account: SQL) => SQL
  /** What else is set of it. */
  also?: SQL
  losesAdministrator?: boolean
}

function change(
  ctx: Writer,
  target: Target,
  event: ChangeType,
  { of, ends, also, losesAdministrator = false }: Change,
): Promise<Outcome> {
  const { acting, userId, reason } = target
  const happened = sql`
    select tenant_id, user_id as subject, ${endedSessions} || ${reasonOf(reason)} as data from account`
  return changeAccount(ctx, target, {
    losesAdministrator,
    changed: sql`account`,
    members: sql`
      account as (
        select users.id as user_id, users.tenant_id, null::uuid as id
        from users join caller on caller.tenant_id = users.tenant_id where users.id = ${userId} and ${of}),
      ${ends(sql`account`)},
      ${beginEpochOf(sql`account`, 'revoked', also)},
      recorded as (${recordEvent(ctx, event, happened, doneBy(acting))})`,
  })
}
