/** The SQL of the clean-up. Each statement is a whole step, and may run twice, at once, or be cut off. */
import { sql } from 'drizzle-orm'
import type { JobContext } from '../context.ts'
import type { OUTLIVED } from '../personal-data.ts'

/**
 * Deletes at most `limit` rows and passes over those that another statement holds. By their places (`ctid`), which stay
 * while the statement holds the rows and fit every table; an array, because a join would look at the whole table.
 * @returns how many went
 */
export async function deleteOutlived(
  { db }: Pick<JobContext, 'db'>,
  { table: name, where, from }: (typeof OUTLIVED)[number],
  limit: number,
): Promise<number> {
  const table = sql.raw(name)
  const { rowCount } = await db.execute(sql`
    delete from ${table} where ctid = any(array(
      select ${table}.ctid from ${from ?? table} where ${where} limit ${limit} for update of ${table} skip locked))`)
  return rowCount ?? 0
}
