/** The SQL of the audit log's months. Everything here may run twice, at once, or be cut off: each statement is a whole step. */
import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { JobContext } from '../context.ts'
import { rowsOf } from '../storage/rows.ts'

/** `2026_11`: part of a partition's name, and in the order of time. Made of digits by us, never of a caller's text. */
export type Month = `${number}_${string}`

const MonthText = v.custom<Month>((value) => typeof value === 'string' && /^[0-9]{4}_[0-9]{2}$/.test(value))

/** The months that have a partition, and those that have none although rows of theirs lie in the default partition. */
export async function findAuditMonths({
  auditDb,
}: Pick<JobContext, 'auditDb'>): Promise<{ standing: Month[]; homeless: Month[] }> {
  const rows = await rowsOf(auditDb, { month: MonthText, isStanding: v.boolean() })(sql`
    select substring(relname from '^audit_events_([0-9]{4}_[0-9]{2})$') as month, true as is_standing
    from pg_inherits join pg_class on pg_class.oid = inhrelid
    where inhparent = 'audit_events'::regclass and relname ~ '^audit_events_[0-9]{4}_[0-9]{2}$'
    union
    select to_char(occurred_at at time zone 'UTC', 'YYYY_MM'), false from audit_events_other
    order by month`)
  const monthsOf = (isStanding: boolean) =>
    rows.flatMap((row) => (row.isStanding === isStanding ? row.month : []))
  return { standing: monthsOf(true), homeless: monthsOf(false) }
}

/** For a `do` block, because a batch cannot branch: one job at a time, and none that makes others wait for long. */
const oneAtATime = `
  set local lock_timeout = '5s';
  perform pg_advisory_xact_lock(hashtext('latchkey audit months'));`

/**
 * One transaction: a table for the month, filled with what lay in the default partition, and attached. Writers wait
 * meanwhile: a row that one of them put into the default partition now would make the month impossible to attach.
 */
export async function makeAuditMonth(
  { auditDb }: Pick<JobContext, 'auditDb'>,
  month: Month,
  next: Month,
): Promise<void> {
  const name = `audit_events_${month}`
  const [from, to] = [month, next].map((one) => `${one.replace('_', '-')}-01T00:00:00Z`)
  await auditDb.execute(
    sql.raw(`do $$ begin ${oneAtATime}
      if to_regclass('${name}') is null then
        lock table audit_events in share row exclusive mode;
        create table ${name} (like audit_events including all);
        with moved as (
          delete from audit_events_other where occurred_at >= '${from}' and occurred_at < '${to}' returning *)
        insert into ${name} select * from moved;
        alter table audit_events attach partition ${name} for values from ('${from}') to ('${to}');
      end if;
    end $$`),
  )
}

/**
 * Drops a month, and says in each tenant's head where its chain begins now, so that verifying still finds it intact.
 * The table is locked before the heads, in the order of `extendChains`; a look per tenant is all that happens under it.
 */
export async function dropAuditMonth({ auditDb }: Pick<JobContext, 'auditDb'>, month: Month): Promise<void> {
  const name = `audit_events_${month}`
  await auditDb.execute(
    sql.raw(`do $$ begin ${oneAtATime}
      if to_regclass('${name}') is not null then
        lock table audit_events in access exclusive mode;
        update audit_heads set dropped_sequence = newest.sequence, dropped_hash = newest.hash
        from audit_heads standing cross join lateral (
          select sequence, hash from ${name} where tenant_id = standing.tenant_id order by sequence desc limit 1) newest
        where audit_heads.tenant_id = standing.tenant_id and audit_heads.dropped_sequence < newest.sequence;
        drop table ${name};
      end if;
    end $$`),
  )
}
