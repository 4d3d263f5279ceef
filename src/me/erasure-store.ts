/** The SQL of erasure. Every statement may be cut off, run again and run beside others: an account is erased once. */
import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import { removeAccess } from '../access/store.ts'
import { forgetAttemptsAt } from '../accounts/attempts-store.ts'
import { clearAccounts, erasureDays, markErased } from '../accounts/closing-store.ts'
import type { JobContext } from '../context.ts'
import { recordEvent } from '../events/outbox.ts'
import { type Row, rowsOf } from '../storage/rows.ts'

type Storage = Pick<JobContext, 'db'>

/** A closed account whose time is over; `closedAt` as PostgreSQL writes it, because a Date would drop the microseconds. */
const DUE_ACCOUNT = { id: v.string(), closedAt: v.string() }
export type DueAccount = Row<typeof DUE_ACCOUNT>

/**
 * Clears the accounts that were closed longest ago, for longer than their tenant's setting, and takes away whatever could
 * bring them back: from here on there is no link that restores them. Passes over accounts that another statement holds.
 * @param after the last account of the batch before
 */
export async function clearDueAccounts(
  { db }: Storage,
  { after, limit }: { after: DueAccount | null; limit: number },
): Promise<DueAccount[]> {
  return rowsOf(
    db,
    DUE_ACCOUNT,
  )(sql`
    with due as (
      select users.id, users.tenant_id, users.email, users.deleted_at
      from users join tenants on tenants.id = users.tenant_id
      where users.deleted_at is not null and users.erased_at is null
        and users.deleted_at <= now() - make_interval(days => ${erasureDays})
        -- The same for whichever tenant waits least: a bound of the index, so that those who wait are not all read.
        and users.deleted_at <= now() - make_interval(days => (select min(${erasureDays}) from tenants))
        and (${after?.closedAt ?? null}::timestamptz is null
          or (users.deleted_at, users.id) > (${after?.closedAt ?? null}::timestamptz, ${after?.id ?? null}::uuid))
      order by users.deleted_at, users.id limit ${limit} for no key update of users skip locked),
    cleared as (${clearAccounts(sql`due`)}),
    ${removeAccess(sql`(select id as user_id, null::uuid as id from due)`)},
    forgotten as (${forgetAttemptsAt(sql`due`)})
    select id, deleted_at::text as closed_at from due order by deleted_at, id`)
}

/** At most `limit` of their refresh tokens, which are many more than their sessions. @returns how many went */
export async function deleteRefreshTokens(
  { db }: Storage,
  userIds: string[],
  limit: number,
): Promise<number> {
  const { rowCount } = await db.execute(sql`
    delete from refresh_tokens where id = any(array(
      select refresh_tokens.id from sessions join refresh_tokens on refresh_tokens.session_id = sessions.id
      where sessions.user_id in ${userIds} limit ${limit}))`)
  return rowCount ?? 0
}

/** At most `limit` of their sessions, once these have no refresh tokens. @returns how many went */
export async function deleteSessions({ db }: Storage, userIds: string[], limit: number): Promise<number> {
  const { rowCount } = await db.execute(sql`
    delete from sessions where id = any(array(
      select id from sessions where user_id in ${userIds} order by user_id, id limit ${limit} for update))`)
  return rowCount ?? 0
}

/** What else names them: the mails that they were sent, and the answers to their requests. */
export async function deleteRecords({ db }: Storage, userIds: string[]): Promise<void> {
  await db.batch([
    db.execute(sql`delete from mails where user_id in ${userIds}`),
    db.execute(sql`
      delete from idempotency_keys using users
      where users.id in ${userIds} and idempotency_keys.tenant_id = users.tenant_id
        and idempotency_keys.actor = users.id::text`),
  ])
}

/** Says that it is done, once for each account, in one transaction. @returns how many no other run had finished */
export async function finishErasure(ctx: JobContext, userIds: string[]): Promise<number> {
  const [first, ...rest] = userIds.map((userId) => {
    const happened = sql`select tenant_id, id as subject, '{}'::jsonb as data from erased`
    return rowsOf(ctx.db, { id: v.string() })(sql`
      with erased as (${markErased(userId)}),
      recorded as (${recordEvent(ctx, 'user.erased', happened, { actor: sql`null`, rare: true })})
      select id from erased`)
  })
  if (!first) return 0
  const results = await ctx.db.batch([first, ...rest])
  return results.flat().length
}
