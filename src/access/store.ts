/**
 * Every way into an account is ended here: sessions, mailed links and codes, and credentials. A new kind of credential says
 * that it is one in its capability's personal-data.ts. These are members of a `with`; each needs the account's row locked
 * by a statement before it, in the same batch.
 */
import { type SQL, sql } from 'drizzle-orm'
import { markClosed } from '../accounts/closing-store.ts'
import type { EndReason } from '../accounts/epoch-store.ts'
import type { Context } from '../context.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import type { OneTimeTokenHash } from '../one-time/one-time-token.ts'
import type { OneTimePurpose } from '../one-time/purposes.ts'
import { tokenIsLive, voidTokens } from '../one-time/store.ts'
import { CREDENTIALS } from '../personal-data.ts'
import { endedSessions, endSessionRows } from '../sessions/ended-store.ts'
import { callingTenant } from '../tenants/store.ts'

/** What opens the account without a mail: gone (`removed_passwords` …), for the accounts in `account` (`user_id`). */
const removeCredentials = (account: SQL, tables = CREDENTIALS): SQL =>
  sql.join(
    tables.map((name) => {
      const table = sql.raw(name)
      return sql`removed_${table} as (
        delete from ${table} using ${account} as account where ${table}.user_id = account.user_id
        returning ${table}.user_id)`
    }),
    sql`, `,
  )

/** The same but for the password, where the statement stores another. */
export const removeAllButPassword = (account: SQL): SQL =>
  removeCredentials(
    account,
    CREDENTIALS.filter((table) => table !== 'passwords'),
  )

export type Ended = {
  reason: EndReason
  /** Whether what the owner knows or holds still opens the account. With `removed` there is a member for each kind, e.g. `removed_passwords`. */
  credentials: 'kept' | 'removed'
  /** The id of a session that does not end. */
  sparing?: SQL
  /** Which tokens are void, over `one_time_tokens`. */
  purposes?: SQL
}

/**
 * The sessions of the account in the member `account` (`user_id`, and `id` of the token that it redeemed or null; at most
 * one row) end, and every other token of theirs is void. The statement must begin an epoch too (`beginEpoch`), in its own
 * update of `users`. What undoes a change of address stays, unless it is that which is done: a thief must not get rid of it.
 */
export const endAccess = (account: SQL, { credentials, purposes, ...ending }: Ended): SQL => sql`
  ${endSessionRows(account, ending)},
  ${credentials === 'removed' ? sql`${removeCredentials(account)},` : sql``}
  ${voidTokens(account, purposes)}`

/** The same for accounts that have no session to end, any number of them: `account` yields `user_id` and `id`, which is null. */
export const removeAccess = (account: SQL): SQL => sql`
  ${removeCredentials(account)},
  ${voidTokens(account, sql`true`)}`

/**
 * A statement of a batch that gives an account its address back, between the lock and what decides: who has that address
 * by now and never proved it gives way, so that no one keeps an owner out by registering it once more.
 */
export const closeUnproved = (
  ctx: Pick<Context, 'db' | 'host' | 'callerOrigin' | 'fetchSite' | 'origin'> & Recorder,
  hash: OneTimeTokenHash,
  purpose: OneTimePurpose,
  account: SQL,
) => {
  const happened = sql`
    select tenant_id, user_id as subject, ${endedSessions} as data from unproved`
  return ctx.db.execute(sql`
    with token as (
      select users.id, one_time_tokens.tenant_id, one_time_tokens.subject
      from one_time_tokens, users, (${callingTenant(ctx)}) as tenant
      where tenant.id = one_time_tokens.tenant_id and ${tokenIsLive(hash, [purpose], account)}),
    unproved as (
      select users.id as user_id, users.tenant_id, null::uuid as id from users join token
        on users.tenant_id = token.tenant_id and users.email = token.subject and users.id <> token.id
      where users.email_verified_at is null and users.deleted_at is null for no key update of users),
    ${endAccess(sql`unproved`, { reason: 'closed', credentials: 'removed', purposes: sql`true` })},
    closed as (${markClosed(sql`unproved join tenants on tenants.id = unproved.tenant_id where users.id = unproved.user_id`, { sessions: true })})
    ${recordEvent(ctx, 'user.deleted', happened, { actor: sql`null`, rare: true })}`)
}
