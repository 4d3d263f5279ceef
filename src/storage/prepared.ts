/**
 * A select that drizzle writes once for all requests of an isolate. What is kept is its text and how its rows are read: the
 * same for every request, whatever the settings. What a request asks by goes into its placeholders. For the selects of the
 * busiest operations: to write one anew is a fifth of the CPU of a request.
 */
import { fillPlaceholders, type Query, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/neon-http'
import { PgRaw } from 'drizzle-orm/pg-core/query-builders/raw'
import type { Database } from './postgres.ts'

/** Of drizzle's select. */
type Select<Rows> = PromiseLike<Rows> & {
  prepare(name: string): { getQuery(): Query; mapResult(answer: unknown): unknown }
}

/**
 * @param write the select, with `sql.placeholder(name)` for each value
 * @returns what takes the values by those names, to be awaited or put into a batch
 */
export function prepared<Values extends Record<string, unknown>, Rows>(
  write: (db: Pick<Database, 'select'>) => Select<Rows>,
): (db: Database, values: Values) => PgRaw<Rows> {
  let written: ReturnType<Select<Rows>['prepare']> | undefined
  return (db, values) => {
    written ??= write(drizzle.mock()).prepare('')
    const select = written
    const { sql: text, params } = select.getQuery()
    const query = { sql: text, params: fillPlaceholders(params, values) }
    const read = (answer: unknown) => select.mapResult(answer) as Rows // made of the same select
    const ask = async () => read(await db.$client.query(query.sql, query.params, AS_LISTS))
    return Object.assign(new PgRaw(ask, sql.raw(text), query, read), { isResponseInArrayMode: () => true })
  }
}

/** As drizzle asks for what it selects: columns of two tables may have one name. */
const AS_LISTS = { arrayMode: true, fullResults: true } as const
