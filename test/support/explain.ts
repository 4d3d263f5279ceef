/** The plan that PostgreSQL would choose for a store's own statement, on the tables of a service. */
import type { Database } from '../../src/storage/postgres.ts'
import { statementsOf } from './asked.ts'
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
  const [statement, ...others] = await statementsOf(query)
  if (!statement || others.length > 0) throw new Error(`${others.length + 1} statements instead of one`)
  const [row] = await sql<{ 'QUERY PLAN': { Plan: Plan }[] }>(
    `explain (format json) ${statement.sql}`,
    statement.params,
  )
  return nodesOf(row?.['QUERY PLAN'][0]?.Plan)
}

const nodesOf = (plan: Plan | undefined): Plan[] =>
  plan ? [plan, ...(plan.Plans ?? []).flatMap(nodesOf)] : []

/** The tables that a plan reads from one end to the other. */
export const scannedWhole = (plan: Plan[]): string[] =>
  plan.flatMap((node) => (node['Node Type'] === 'Seq Scan' ? (node['Relation Name'] ?? '?') : []))
