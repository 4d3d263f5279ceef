/** The SQL that ends, in their rows, the sessions that an epoch has made dead. Every statement may run twice and at once. */
import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import { type EndingAccount, markEnded } from '../accounts/epoch-store.ts'
import type { JobContext } from '../context.ts'
import { rowsOf } from '../storage/rows.ts'

type Storage = Pick<JobContext, 'db'>

const ENDING_ACCOUNT = { id: v.string(), validFrom: v.string() }

/** The next account after the id `after` that has sessions to end. */
export async function findEndingAccount(
  { db }: Storage,
  after: string | null,
): Promise<EndingAccount | undefined> {
  const [account] = await rowsOf(
    db,
    ENDING_ACCOUNT,
  )(sql`
    select id, access_valid_from::text as valid_from from users
    where ending_reason is not null and (${after}::uuid is null or id > ${after}::uuid)
    order by id limit 1`)
  return account
}

/**
 * Ends at most `limit` sessions that began before the epoch, in order of id from `after` on. It locks no account, so that
 * no one waits for it to sign in; and no session can begin in a time that is over.
 * @returns how many were looked at, and the last of them
 */
export async function endOldSessions(
  { db }: Storage,
  { id, validFrom }: EndingAccount,
  { after, limit }: { after: string | null; limit: number },
): Promise<{ count: number; last: string | null }> {
  const [row] = await rowsOf(db, { count: v.number(), last: v.nullable(v.string()) })(sql`
    with old as (
      select id from sessions
      where user_id = ${id} and revoked_at is null and greatest(created_at, kept_at) < ${validFrom}::timestamptz
        and (${after}::uuid is null or id > ${after}::uuid)
      order by id limit ${limit} for no key update),
    ended as (
      update sessions set revoked_at = clock_timestamp(), revoke_reason = coalesce(users.ending_reason, 'revoked')
      from users where users.id = ${id} and sessions.user_id = ${id} and sessions.id = any(array(select id from old)) and sessions.revoked_at is null)
    select count(*)::int as count, (select id from old order by id desc limit 1) as last from old`)
  return row ?? { count: 0, last: null }
}

/** Says that the account has none left, unless a later epoch has begun meanwhile. */
export async function finishEnding({ db }: Storage, account: EndingAccount): Promise<void> {
  // In order of the index: a search for any row would be planned as a look at the table.
  const isFinished = sql`(
    select sessions.id from sessions where user_id = ${account.id} and revoked_at is null
      and greatest(sessions.created_at, kept_at) < ${account.validFrom}::timestamptz order by sessions.id limit 1) is null`
  await db.execute(markEnded(account, isFinished))
}
