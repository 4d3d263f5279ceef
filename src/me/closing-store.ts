/**
 * The SQL of closing an account and of taking that back. Both lock the user's row first and decide in the next statement,
 * so that whatever was under way (a sign-in, a reset, the other of the two) is either seen there or waits and finds the
 * account as it is now.
 */
import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import { closeUnproved, endAccess } from '../access/store.ts'
import { markClosed } from '../accounts/closing-store.ts'
import { reopen } from '../accounts/proof-store.ts'
import { userIsClosed } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import { CALLER, callerOf, callerRow } from '../guard/caller-store.ts'
import type { Caller, CallerRow } from '../guard/demands.ts'
import type { NewToken } from '../one-time/one-time.ts'
import type { OneTimeTokenHash } from '../one-time/one-time-token.ts'
import { consumeToken, issueToken, lockOwner, lockUser } from '../one-time/store.ts'
import { endedSessions } from '../sessions/ended-store.ts'
import { isUniqueViolation } from '../storage/postgres.ts'
import { rowsOf } from '../storage/rows.ts'
import { findTenantOfHost } from '../tenants/store.ts'

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

type Outcome = 'restored' | 'not_alive' | 'email_taken'

/**
 * Opens a closed account again. The link came by mail, so its address is proved; and nothing that opened the account
 * before does so again, whatever was left. An account that has registered the address since gives way, unless they have proved it.
 * @returns the host's tenant, and what came of it
 */
export async function restoreAccount(
  ctx: Storage & Pick<Context, 'callerOrigin' | 'fetchSite' | 'origin'>,
  hash: OneTimeTokenHash,
) {
  const happened = sql`select tenant_id, id as subject, '{}'::jsonb as data from restored`
  const restore = rowsOf(ctx.db, { id: v.string() })(sql`
    with token as (${consumeToken(ctx, hash, ['restore_account'], { account: userIsClosed })}),
    ${endAccess(sql`token`, { reason: 'closed', credentials: 'removed' })},
    restored as (${reopen('closed', { address: 'kept' })}),
    recorded as (${recordEvent(ctx, 'user.restored', happened)})
    select id from restored`)
  try {
    const free = closeUnproved(ctx, hash, 'restore_account', userIsClosed)
    const [, , rows, [tenant]] = await ctx.db.batch([
      lockOwner(ctx, hash),
      free,
      restore,
      findTenantOfHost(ctx),
    ])
    const outcome: Outcome = rows.length === 1 ? 'restored' : 'not_alive'
    return { tenant, outcome }
  } catch (error) {
    if (!isUniqueViolation(error, 'users')) throw error
    const [tenant] = await findTenantOfHost(ctx)
    const outcome: Outcome = 'email_taken'
    return { tenant, outcome }
  }
}
