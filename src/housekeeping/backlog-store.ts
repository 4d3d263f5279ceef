/** The SQL of `backlogs`: the work that the last run of an hourly job left unfinished. Rows are always taken in order of kind. */
import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { JobContext } from '../context.ts'
import { type Row, rowsOf } from '../storage/rows.ts'

const BACKLOG = { kind: v.string(), runs: v.number(), since: v.string() }
export type Backlog = Row<typeof BACKLOG>

/** Runs that overlap are one: the platform may start a cron twice. */
const SAME_RUN_MINUTES = 30

/** Counts one more run that left these unfinished. @returns those that an earlier run left unfinished too */
export async function countBacklog(
  { db }: Pick<JobContext, 'db'>,
  kinds: readonly string[],
): Promise<Backlog[]> {
  if (kinds.length === 0) return []
  return rowsOf(
    db,
    BACKLOG,
  )(sql`
    with counted as (
      insert into backlogs (kind) values ${sql.join(
        kinds.toSorted().map((kind) => sql`(${kind})`),
        sql`, `,
      )}
      on conflict (kind) do update set runs = backlogs.runs + 1, counted_at = now()
        where backlogs.counted_at < now() - make_interval(mins => ${SAME_RUN_MINUTES})
      returning kind, runs, since)
    select kind, runs, to_char(since at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as since
    from counted where runs > 1 order by kind`)
}

export async function settleBacklog({ db }: Pick<JobContext, 'db'>, kinds: readonly string[]): Promise<void> {
  if (kinds.length === 0) return
  await db.execute(sql`
    delete from backlogs where kind = any(array(
      select kind from backlogs where kind in ${kinds} order by kind for update))`)
}
