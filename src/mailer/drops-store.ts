/** How many mails of a tenant were not sent, hour by hour or day by day, by reason: a bounded number of rows is read. */
import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { binsOf, type Window } from '../storage/intervals.ts'
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
export const countDroppedMails = ({ db, host }: Pick<Context, 'db' | 'host'>, window: Window) =>
  rowsOf(
    db,
    COUNT,
  )(sql`
    with ${binsOf(window)}
    select step, found.reason, found.rows as count, found.is_cut
    from bins cross join lateral (
      select counted.reason, count(*)::int as rows, sum(count(*)) over () >= ${COUNTED_DROPS}::int as is_cut from (
        select reason from mails
        where tenant_id = (select tenant_id from tenant_hosts where host = ${host})
          and state = 'dropped' and reason <> 'superseded' and reason <> 'no_recipient'
          and settled_at >= bins.begins and settled_at < bins.ends limit ${COUNTED_DROPS}::int) as counted
      group by counted.reason) as found`)
