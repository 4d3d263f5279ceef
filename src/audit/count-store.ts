/** How many events of some types there were, hour by hour or day by day: a bounded number of rows is read, whatever there is. */
import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { Context } from '../context.ts'
import type { EventType } from '../events/catalogue.ts'
import { binsOf, type Window } from '../storage/intervals.ts'
import { rowsOf } from '../storage/rows.ts'

/** More than these of one type in one interval are not counted. */
export const COUNTED_EVENTS = 1000
/** The same where each row has to be looked into. */
export const COUNTED_REFUSALS = 200

const COUNT = {
  type: v.string(),
  /** Which interval, from 0. */
  step: v.number(),
  /** The code of a refusal; null of what is none. */
  code: v.nullable(v.string()),
  /** Rows, or what they stand for: an attempt may count for several (events/sampling.ts). */
  count: v.number(),
  isCut: v.boolean(),
}

/** By the index `audit_events_type`: one probe for each type and interval. Those without events have no row. */
export const countEvents = (
  { auditDb }: Pick<Context, 'auditDb'>,
  tenantId: string,
  window: Window,
  { changes, refusals }: { changes: readonly EventType[]; refusals: readonly EventType[] },
) =>
  rowsOf(
    auditDb,
    COUNT,
  )(sql`
    with ${binsOf(window)}
    select type, step, null::text as code, found.rows as count, found.rows >= ${COUNTED_EVENTS}::int as is_cut
    from jsonb_array_elements_text(${JSON.stringify(changes)}::jsonb) as type cross join bins cross join lateral (
      select count(*)::int as rows from (
        select from audit_events where tenant_id = ${tenantId} and audit_events.type = type.value
          and occurred_at >= bins.begins and occurred_at < bins.ends limit ${COUNTED_EVENTS}::int) as counted) as found
    where found.rows > 0
    union all
    select type, step, found.code, found.times, found.is_cut
    from jsonb_array_elements_text(${JSON.stringify(refusals)}::jsonb) as type cross join bins cross join lateral (
      select counted.code, sum(counted.times)::int as times, sum(count(*)) over () >= ${COUNTED_REFUSALS}::int as is_cut from (
        select data ->> 'code' as code, coalesce((data ->> 'times')::int, 1) as times from audit_events
        where tenant_id = ${tenantId} and audit_events.type = type.value
          and occurred_at >= bins.begins and occurred_at < bins.ends limit ${COUNTED_REFUSALS}::int) as counted
      group by counted.code) as found`)
export type EventCount = Awaited<ReturnType<typeof countEvents>>[number]
