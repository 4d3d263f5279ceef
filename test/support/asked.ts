/** A database that remembers what a store asks of it and answers nothing. */
import type { SQL } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'
import { PgRaw } from 'drizzle-orm/pg-core/query-builders/raw'
import type { Database } from '../../src/storage/postgres.ts'

export type Statement = { sql: string; params: unknown[] }

/** The statements of `query`, in order, one by one or in batches. */
export async function statementsOf(query: (db: Database) => Promise<unknown>): Promise<Statement[]> {
  const asked: Statement[] = []
  const execute = (statement: SQL) => {
    const text = new PgDialect().sqlToQuery(statement)
    const answer = { rows: [], rowCount: 0 }
    const ask = async () => {
      asked.push(text)
      return answer
    }
    return new PgRaw(ask, statement, text, () => answer)
  }
  const batch = (statements: PgRaw<unknown>[]) => Promise.all(statements)
  await query({ execute, batch } as unknown as Database) // all that a store with plain SQL uses of it
  return asked
}
