/**
 * Rows of SQL that is written by hand. PostgreSQL's answer has no type, so each column is read by a schema: one that is
 * missing or of another kind is a fault that names it where it is read, and never an `undefined` in an answer.
 */
import { Column, type GetColumnData, is, type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { PgRaw } from 'drizzle-orm/pg-core/query-builders/raw'
import * as v from 'valibot'
import { Fault } from '../problem.ts'
import type { Database } from './postgres.ts'

/**
 * What a row is made of, by the names that the code has for it: `userId` is read from the column `user_id`. A column of the
 * schema is read as drizzle reads it, under its own name.
 */
export type Columns = Record<string, v.GenericSchema<unknown, unknown> | PgColumn>

export type Row<Of extends Columns> = {
  -readonly [Name in keyof Of]: Of[Name] extends PgColumn
    ? GetColumnData<Of[Name]>
    : Of[Name] extends v.GenericSchema<unknown, infer Value>
      ? Value
      : never
}

/** A moment, as PostgreSQL writes it in a column or in `jsonb`. A Date has no microseconds: what is compared stays text. */
export const Time = v.pipe(
  v.string(),
  v.transform((text) => new Date(text)),
  v.date(),
)

/** A `bigint`, which the driver hands over as text, as far as a number is exact. */
export const BigInteger = v.pipe(v.string(), v.transform(Number), v.safeInteger())

/** `rowsOf(db, columns)(sql`…`)`: the rows that a statement ends with; to be awaited, or put into a batch. */
export const rowsOf =
  <Of extends Columns>(db: Database, columns: Of) =>
  (statement: SQL): PgRaw<Row<Of>[]> => {
    const raw = db.execute(statement)
    const read = ({ rows }: { rows: Record<string, unknown>[] }) => rows.map(rowReader(columns))
    return new PgRaw(
      async () => read(await raw.execute()),
      statement,
      raw.getQuery(),
      // A batch hands over what the driver answered.
      (result) => read(result as Awaited<typeof raw>),
    )
  }

/** A row inside a column, as `jsonOf` and `joinedJson` make it. */
export const inJson = <Of extends Columns>(columns: Of): v.GenericSchema<unknown, Row<Of>> =>
  v.pipe(
    v.record(v.string(), v.unknown()),
    v.transform((row) => rowReader(columns)(row)),
  )

/** The row of `from`, a table or a member of the `with` that has one at most, as `jsonb`; null where there is none. */
export const jsonOf = (columns: Record<string, PgColumn>, from: SQL): SQL => {
  const list = Object.values(columns).map(({ name }) => sql.identifier(name))
  return sql`(select to_jsonb(listed) from (select ${sql.join(list, sql`, `)} from ${from}) as listed)`
}

/** The same of a joined table, in the row that it is joined to: null where `isThere` is not so. */
export const joinedJson = (columns: Record<string, PgColumn>, isThere: SQL | undefined): SQL => {
  const members = Object.values(columns).map((column) => sql`${sql.raw(`'${column.name}'`)}, ${column}`)
  return sql`case when ${isThere} then jsonb_build_object(${sql.join(members, sql`, `)}) end`
}

function rowReader<Of extends Columns>(columns: Of): (row: Record<string, unknown>) => Row<Of> {
  const readers = Object.entries(columns).map(
    ([name, reader]) => [name, columnOf(name, reader), reader] as const,
  )
  return (row) =>
    // Made member by member of the list that the type is made of.
    Object.fromEntries(
      readers.map(([name, column, reader]) => [name, readColumn(row, column, reader)]),
    ) as Row<Of>
}

const columnOf = (name: string, reader: Columns[string]): string =>
  is(reader, Column) ? reader.name : name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** @throws Fault that names the column; what is in it may be personal */
function readColumn(row: Record<string, unknown>, column: string, reader: Columns[string]): unknown {
  if (!(column in row)) throw new Fault('internal_error', `a row has no column ${column}`)
  const value = row[column]
  if (is(reader, Column)) {
    if (value !== null) return reader.mapFromDriverValue(value)
    if (reader.notNull) throw new Fault('internal_error', `column ${column} of a row is null`)
    return null
  }
  const parsed = v.safeParse(reader, value)
  if (parsed.success) return parsed.output
  const [issue] = parsed.issues
  const place = [column, v.getDotPath(issue)].filter((part) => part !== null).join('.')
  const wrong = issue.received === 'undefined' ? 'missing' : `not ${issue.expected ?? issue.type}`
  throw new Fault('internal_error', `column ${place} of a row is ${wrong}`)
}
