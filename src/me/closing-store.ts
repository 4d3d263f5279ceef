/**
 * The SQL of closing an account. It locks the user's row first and decides in the next statement, so that what was under way
 * (a sign-in, a reset) is either seen there or waits and finds the account as it is now.
 */
import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import { endAccess } from '../access/store.ts'
import { markClosed } from '../accounts/closing-store.ts'
import type { Context } from '../context.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import { CALLER, callerOf, callerRow } from '../guard/caller-store.ts'
import type { Caller, CallerRow } from '../guard/demands.ts'
import type { NewToken } from '../one-time/one-time.ts'
import { issueToken, lockUser } from '../one-time/store.ts'
import { endedSessions } from '../sessions/ended-store.ts'
import { rowsOf } from '../storage/rows.ts'

type Storage = Pick<Context, 'db' | 'host'> & Recorder

/**
 * Closes the caller's account: its sessions end, its password and its links are gone, and one link is made that restores
 * it, which lives as long as there is something to restore. What undoes a change of address stays: an attacker who
 * took the account over must not get rid of it by closing.
 * @returns the caller, for `refuseUnless`, and whether it was open until now
 */
export async function closeAccount(
  ctx: Storage,
  caller: Caller,
  token: NewToken,
): Promise<{ caller: CallerRow; isClosed: boolean }> {
  const owner = sql`
    select tenant_id, user_id, user_id::text as holder, email as subject, erasure_days from closed where erasure_days > 0`
  const happened = sql`
    select closed.tenant_id, closed.user_id as subject, jsonb_strip_nulls(jsonb_build_object(
      'token_id', (select id from issued),
      'erased_after', to_char(closed.erased_after at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))) || ${endedSessions}
      as data
    from closed`
  const close = rowsOf(ctx.db, { ...CALLER, isClosed: v.boolean() })(sql`
    with ${callerOf(caller, ctx.host)},
    closing as (
      select users.id as user_id, null::uuid as id from users join caller on caller.user_id = users.id
      where users.tenant_id = caller.tenant_id and users.deleted_at is null),
    ${endAccess(sql`closing`, {
      reason: 'closed',
      credentials: 'removed',
      // A restoring link of an earlier time is replaced by the new one.
      purposes: sql`one_time_tokens.purpose not in ('revert_email', 'restore_account')`,
    })},
    closed as (
      ${markClosed(
        sql`closing join caller using (user_id) join tenants on tenants.id = caller.tenant_id where users.id = closing.user_id`,
        { sessions: true },
      )}),
    issued as (${issueToken(token, owner, { seconds: sql`account.erasure_days * 86400` })}),
    recorded as (${recordEvent(ctx, 'user.deleted', happened)})
    select ${callerRow}, exists (select from closed) as is_closed`)
  const [, [row]] = await ctx.db.batch([lockUser(ctx, caller.userId), close])
  return row ?? { caller: null, isClosed: false }
}
