/** The SQL of closing unproved accounts. What is found is decided again by the statement that closes it. */
import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import { removeAccess } from '../access/store.ts'
import { markClosed } from '../accounts/closing-store.ts'
import type { JobContext } from '../context.ts'
import { recordEvent } from '../events/outbox.ts'
import { rowsOf } from '../storage/rows.ts'
import { settingOf } from '../tenants/store.ts'

const unprovedDays = settingOf('unproved_account_days')

/**
 * Over `users` and `tenants`. A link that still works may be pressed at any moment, so it is waited for. A sign-in clears
 * `awaits_proof_since`; sessions are looked at besides, because the release before this one does not.
 */
const isDue = sql`
  users.tenant_id = tenants.id and users.awaits_proof_since <= now() - make_interval(days => ${unprovedDays})
  and users.email_verified_at is null and users.deleted_at is null and users.status = 'active'
  and not exists (select from sessions where sessions.user_id = users.id)
  and not exists (
    select from one_time_tokens
    where one_time_tokens.user_id = users.id and one_time_tokens.consumed_at is null and one_time_tokens.expires_at > now())`

/** The oldest of each tenant, in order of id. */
export async function findNeverProved({ db }: Pick<JobContext, 'db'>, limit: number): Promise<string[]> {
  const rows = await rowsOf(db, { id: v.string() })(sql`
    select due.id from (
      select unproved.id from tenants cross join lateral (
        select users.id from users where ${isDue} order by users.awaits_proof_since limit ${limit}) as unproved
      limit ${limit}) as due
    order by due.id`)
  return rows.map(({ id }) => id)
}

/** Closes them in one transaction, with no link back; they have no sessions. @returns how many no other run had closed */
export async function closeNeverProved(ctx: JobContext, userIds: string[]): Promise<number> {
  const [first, ...rest] = userIds.map((userId) => {
    const happened = sql`
      select tenant_id, user_id as subject, jsonb_build_object('reason', 'unproved',
        'erased_after', to_char(erased_after at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) as data
      from closed`
    return rowsOf(ctx.db, { userId: v.string() })(sql`
      with closed as (
        ${markClosed(sql`tenants where users.id = ${userId} and ${isDue}`, { sessions: false })}),
      ${removeAccess(sql`closed`)},
      recorded as (${recordEvent(ctx, 'user.deleted', happened, { actor: sql`null`, rare: true })})
      select user_id from closed`)
  })
  if (!first) return 0
  const results = await ctx.db.batch([first, ...rest])
  return results.flat().length
}
