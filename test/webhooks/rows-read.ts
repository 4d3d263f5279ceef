/** What a store's statements read of `webhook_deliveries`, counted by PostgreSQL as it runs them. */
import type { Database } from '../../src/storage/postgres.ts'
import { type Statement, statementsOf } from '../support/asked.ts'
import type { Backend } from '../support/service.ts'

type Node = {
  'Relation Name'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  'Rows Removed by Index Recheck'?: number
  Plans?: Node[]
}

/** Rows that running the statements reads, those included that it throws away. */
export async function rowsReadBy(
  service: Pick<Backend, 'sql'>,
  query: (db: Database) => Promise<unknown>,
): Promise<number> {
  let read = 0
  for (const statement of await statementsOf(query)) read += await rowsRead(service, statement)
  return read
}

/** The same of one statement. */
export async function rowsRead(service: Pick<Backend, 'sql'>, { sql, params }: Statement): Promise<number> {
  const [row] = await service.sql<{ 'QUERY PLAN': { Plan: Node }[] }>(
    `explain (analyze, format json) ${sql}`,
    params,
  )
  const plan = row?.['QUERY PLAN'][0]?.Plan
  return plan ? countOf(plan) : 0
}

function countOf(node: Node): number {
  const own =
    node['Relation Name'] === 'webhook_deliveries'
      ? node['Actual Loops'] *
        (node['Actual Rows'] +
          (node['Rows Removed by Filter'] ?? 0) +
          (node['Rows Removed by Index Recheck'] ?? 0))
      : 0
  return (node.Plans ?? []).reduce((sum, below) => sum + countOf(below), own)
}
