/** The SQL of erasure. Every statement may be cut off, run again and run beside others: an account is erased once. */
import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import { removeAccess } from '../access/store.ts'
import { erasureDays, markErased } from '../accounts/closing-store.ts'
import type { JobContext } from '../context.ts'
import { recordEvent } from '../events/outbox.ts'
import { CLEARED, type DELETED } from '../personal-data.ts'
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
    ${removeAccess(sql`(select id as user_id, null::uuid as id from due)`)},
    ${sql.join(
      CLEARED.map((clears, index) => sql`${sql.raw(`cleared_${index}`)} as (${clears(sql`due`)})`),
      sql`, `,
    )}
    select id, deleted_at::text as closed_at from due order by deleted_at, id`)
}

/** At most `limit` of their rows of one of `DELETED`. @returns how many went */
export async function deleteErased(
  { db }: Storage,
  { table, deletes }: (typeof DELETED)[number],
  userIds: string[],
  limit: number,
): Promise<number> {
  const { rowCount } = await db.execute(sql`
    delete from ${sql.raw(table)} where ctid = any(array(${deletes(userIds, limit)}))`)
  return rowCount ?? 0
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
