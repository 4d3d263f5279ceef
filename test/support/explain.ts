/** The plan that PostgreSQL would choose for a store's own statement, on the tables of a service. */
import { PgDialect } from 'drizzle-orm/pg-core'
import type { SQL } from 'drizzle-orm/sql'
import type { Database } from '../../src/storage/postgres.ts'
import type { Backend } from './service.ts'

type Plan = { 'Node Type': string; 'Relation Name'?: string; 'Index Name'?: string; Plans?: Plan[] }

/**
 * Runs `query` with a database that remembers what it is asked and answers nothing.
 * @returns the nodes of the plan of its one statement, the outermost first
 */
export async function planOf(
  { sql }: Pick<Backend, 'sql'>,
  query: (db: Database) => Promise<unknown>,
): Promise<Plan[]> {
  const asked: SQL[] = []
  const execute = async (statement: SQL) => {
    asked.push(statement)
    return { rows: [], rowCount: 0 }
  }
  await query({ execute } as unknown as Database) // all that a store with plain SQL uses of it
  const [statement] = asked
  if (!statement || asked.length > 1) throw new Error(`${asked.length} statements instead of one`)
  const { sql: text, params } = new PgDialect().sqlToQuery(statement)
  const [row] = await sql<{ 'QUERY PLAN': { Plan: Plan }[] }>(`explain (format json) ${text}`, params)
  return nodesOf(row?.['QUERY PLAN'][0]?.Plan)
}

const nodesOf = (plan: Plan | undefined): Plan[] =>
  plan ? [plan, ...(plan.Plans ?? []).flatMap(nodesOf)] : []

/** The tables that a plan reads from one end to the other. */
export const scannedWhole = (plan: Plan[]): string[] =>
  plan.flatMap((node) => (node['Node Type'] === 'Seq Scan' ? (node['Relation Name'] ?? '?') : []))
