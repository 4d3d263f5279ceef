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
import { CREDENTIALS, SECOND_FACTORS } from '../personal-data.ts'
import { endedSessions, endSessionRows } from '../sessions/ended-store.ts'
import type { SecondFactor } from '../storage/personal-data.ts'
import { callingTenant } from '../tenants/store.ts'

/** Which second factors stay among the credentials: none of an erased account, else all, or those older than `account`. */
type Spared = 'none' | 'all' | 'older'

/** What opens the account without a mail: gone (`removed_passwords` …), for the accounts in `account` (`user_id`). */
const removeCredentials = (account: SQL, spared: Spared, tables = CREDENTIALS): SQL =>
  sql.join(
    tables.flatMap((name) => {
      const table = sql.raw(name)
      const factor = spared === 'none' ? undefined : SECOND_FACTORS.find((one) => one.table === name)
      const isKept = factor?.stays && factor.asksFor && keeps(factor, spared)
      const removed = sql`removed_${table} as (
        delete from ${table} using ${account} as account
        where ${table}.user_id = account.user_id ${isKept ? sql`and not ${isKept}` : sql``}
        returning ${table}.user_id)`
      return isKept && factor?.stays
        ? [removed, sql`spared_${table} as (${factor.stays(account, isKept)})`]
        : [removed]
    }),
    sql`, `,
  )

const keeps = ({ asksFor, boundAt }: SecondFactor, spared: Spared): SQL =>
  spared === 'older' ? sql`(${asksFor} and ${boundAt} <= account.created_at)` : sql`${asksFor}`

/** The same but for the password, where the statement stores another. */
export const removeAllButPassword = (account: SQL): SQL =>
  removeCredentials(
    account,
    'all',
    CREDENTIALS.filter((table) => table !== 'passwords'),
  )

/**
 * Members of a `with`: second factors that are no credentials, of the account in `account` (`user_id`, `created_at`), and were
 * bound since are gone. An app that took the place of an older one is among them.
 */
const removeBoundSince = (account: SQL): SQL =>
  sql.join(
    SECOND_FACTORS.filter(({ table }) => !CREDENTIALS.includes(table)).map(({ table, boundAt }) => {
      const name = sql.raw(table)
      return sql`unbound_${name} as (
        delete from ${name} using ${account} as account
        where ${name}.user_id = account.user_id and ${boundAt} > account.created_at)`
    }),
    sql`, `,
  )

/** Sets for an `update` of `users`, with `unbinds`, over `account`: a second factor is asked for where an older one is left. */
export const asksForOlder = (account: SQL): SQL => {
  const older = SECOND_FACTORS.flatMap(({ table, boundAt, asksFor }) =>
    asksFor
      ? [
          sql`exists (select from ${sql.raw(table)} where ${sql.raw(table)}.user_id = users.id and ${asksFor} and ${boundAt} <= ${account}.created_at)`,
        ]
      : [],
  )
  return sql`second_factor_since = case when ${sql.join(older, sql` or `)} then users.second_factor_since end`
}

/** Members of a `with`: every second factor of the accounts in `account` (`user_id`) is gone, of credentials those alone that are one. */
export const removeSecondFactors = (account: SQL): SQL =>
  sql.join(
    SECOND_FACTORS.map(({ table, asksFor }) => {
      const name = sql.raw(table)
      const isFactor = CREDENTIALS.includes(table) && asksFor ? asksFor : sql`true`
      return sql`unbound_${name} as (
        delete from ${name} using ${account} as account where ${name}.user_id = account.user_id and ${isFactor})`
    }),
    sql`, `,
  )

export type Ended = {
  reason: EndReason
  /** Whether what the owner knows or holds still opens the account. With `removed` there is a member for each kind, e.g. `removed_passwords`. */
  credentials: 'kept' | 'removed'
  /** Whether second factors go too that are younger than `account`, which then has `created_at`. Else none does. */
  unbinds?: boolean
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
export const endAccess = (
  account: SQL,
  { credentials, unbinds = false, purposes, ...ending }: Ended,
): SQL => sql`
  ${endSessionRows(account, ending)},
  ${credentials === 'removed' ? sql`${removeCredentials(account, unbinds ? 'older' : 'all')},` : sql``}
  ${unbinds ? sql`${removeBoundSince(account)},` : sql``}
  ${voidTokens(account, purposes)}`

/** The same for accounts that have no session to end, any number of them: `account` yields `user_id` and `id`, which is null. */
export const removeAccess = (account: SQL): SQL => sql`
  ${removeCredentials(account, 'none')},
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
