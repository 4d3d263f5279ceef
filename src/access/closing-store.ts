/**
 * Closing an account, as its owner does it or an administrator: its sessions end, what opens it is gone, and one link is
 * made that restores it. What undoes a change of address stays: an attacker who took the account over must not get rid
 * of it by closing.
 */
import { type SQL, sql } from 'drizzle-orm'
import { isLastAdministrator } from '../accounts/administrators-store.ts'
import { eraseSoon, markClosed, markReopened } from '../accounts/closing-store.ts'
import type { JobContext } from '../context.ts'
import { type AnyRecorder, recordEvent } from '../events/outbox.ts'
import { doneBy } from '../guard/acting-store.ts'
import type { NewToken } from '../one-time/one-time.ts'
import { issueToken, voidTokens } from '../one-time/store.ts'
import { endedSessions } from '../sessions/ended-store.ts'
import { isUniqueViolation } from '../storage/postgres.ts'
import { endAccess } from './store.ts'
import { changeAccount, type Outcome, reasonOf, type Target } from './target-store.ts'

type Writer = Pick<JobContext, 'db'> & AnyRecorder

/** A restoring link of an earlier time is replaced by the new one. */
const OTHER_LINKS = sql`one_time_tokens.purpose not in ('revert_email', 'restore_account')`

/**
 * Members of a `with`, after `closing` (`user_id`, `tenant_id`, and `id`, which is null; at most one row, locked before):
 * the account is closed (`closed`), and its event is the same for an owner and for an administrator.
 * @param token restores it, and lives as long as there is something to restore
 */
export const closing = (
  ctx: AnyRecorder,
  token: NewToken,
  by: { actor?: SQL; rare?: boolean; data?: SQL } = {},
): SQL => {
  const { data = sql`'{}'::jsonb`, ...options } = by
  const owner = sql`
    select tenant_id, user_id, user_id::text as holder, email as subject, erasure_days from closed where erasure_days > 0`
  const happened = sql`
    select closed.tenant_id, closed.user_id as subject, jsonb_strip_nulls(jsonb_build_object(
      'token_id', (select id from issued),
      'erased_after', to_char(closed.erased_after at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))) || ${endedSessions}
      || ${data} as data
    from closed`
  return sql`
    ${endAccess(sql`closing`, { reason: 'closed', credentials: 'removed', purposes: OTHER_LINKS })},
    closed as (
      ${markClosed(
        sql`closing join tenants on tenants.id = closing.tenant_id where users.id = closing.user_id`,
        { sessions: true },
      )}),
    issued as (${issueToken(token, owner, { seconds: sql`account.erasure_days * 86400` })}),
    recorded as (${recordEvent(ctx, 'user.deleted', happened, options)})`
}

/** No administrator closes their own account so, nor the last one. */
export const closeAccountOf = (ctx: Writer, target: Target, token: NewToken): Promise<Outcome> => {
  const { acting, userId, reason } = target
  return changeAccount(ctx, target, {
    losesAdministrator: true,
    changed: sql`closed`,
    members: sql`
      closing as (
        select users.id as user_id, users.tenant_id, null::uuid as id
        from users join caller on caller.tenant_id = users.tenant_id
        where users.id = ${userId} and users.deleted_at is null and users.id is distinct from caller.user_id
          and not ${isLastAdministrator}),
      ${closing(ctx, token, { ...doneBy(acting), data: reasonOf(reason) })}`,
  })
}

/**
 * An account that is closed, its way back with it: the next run of the erasure takes it (src/me/erase-closed.job.ts). Closing
 * comes first, so that an erasure that was a mistake is two of them.
 */
export const eraseAccountSoon = (ctx: Writer, target: Target): Promise<Outcome> => {
  const { acting, reason } = target
  const happened = sql`select tenant_id, user_id as subject, ${reasonOf(reason)} as data from erasing`
  return changeAccount(ctx, target, {
    changed: sql`erasing`,
    members: sql`
      erasing as (${eraseSoon(sql`target`)}),
      ${voidTokens(sql`erasing`, sql`true`)},
      recorded as (${recordEvent(ctx, 'user.erasure_requested', happened, doneBy(acting))})`,
  })
}

/**
 * Opens a closed account again, signed out and without a password; its owner resets that. Its address is no more proved
 * than it was. @returns `email_taken` where another account has the address by now
 */
export async function restoreAccountOf(ctx: Writer, target: Target): Promise<Outcome | 'email_taken'> {
  const { acting, reason } = target
  const happened = sql`select tenant_id, user_id as subject, ${reasonOf(reason)} as data from reopened`
  try {
    return await changeAccount(ctx, target, {
      changed: sql`reopened`,
      members: sql`
        reopened as (${markReopened(sql`target`)}),
        ${voidTokens(sql`reopened`)},
        recorded as (${recordEvent(ctx, 'user.restored', happened, doneBy(acting))})`,
    })
  } catch (error) {
    if (isUniqueViolation(error, 'users')) return 'email_taken'
    throw error
  }
}
