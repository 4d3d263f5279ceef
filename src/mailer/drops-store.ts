/** How many mails of a tenant were not sent, hour by hour or day by day, by reason: a bounded number of rows is read. */
import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { type Row, rowsOf } from '../storage/rows.ts'

/** More than these in one interval are not counted. */
export const COUNTED_DROPS = 200

const COUNT = {
  /** Which interval, from 0. */
  step: v.number(),
  reason: v.string(),
  count: v.number(),
  isCut: v.boolean(),
}
export type DropCount = Row<typeof COUNT>

/**
 * Of the host's tenant, by the index `mails_failed`, which leaves out what is as it should be: a newer mail took its place, or no
 * one was left to mail.
 */
export const countDroppedMails = (
  { db, host }: Pick<Context, 'db' | 'host'>,
  { from, seconds, steps }: { from: string; seconds: number; steps: number },
) =>
  rowsOf(
    db,
    COUNT,
  )(sql`
    with bins as (
      select step, ${from}::timestamptz + make_interval(secs => step * ${seconds}::int) as begins,
        ${from}::timestamptz + make_interval(secs => (step + 1) * ${seconds}::int) as ends
      from generate_series(0, ${steps}::int - 1) as step)
    select step, found.reason, found.rows as count, found.is_cut
    from bins cross join lateral (
      select counted.reason, count(*)::int as rows, sum(count(*)) over () >= ${COUNTED_DROPS}::int as is_cut from (
        select reason from mails
        where tenant_id = (select tenant_id from tenant_hosts where host = ${host})
          and state = 'dropped' and reason <> 'superseded' and reason <> 'no_recipient'
          and settled_at >= bins.begins and settled_at < bins.ends limit ${COUNTED_DROPS}::int) as counted
      group by counted.reason) as found`)
