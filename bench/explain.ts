/**
 * `npm run explain` — the plan of every statement that the operations send, on a database with a million sessions.
 * Ends with 1 when one of them reads a large table from end to end. Takes two or three minutes; nothing is executed.
 */
import { getTableName, is } from 'drizzle-orm'
import { PgTable } from 'drizzle-orm/pg-core'
import pg from 'pg'
import * as schema from '../src/storage/schema.ts'
import { fill } from './fill.ts'
import { makeMonths, recordStatements, type Statement } from './recorded.ts'
import { startStack } from './stack.ts'

/** Tables that do not grow with the users: scanning them is right. */
const TINY = [
  ...['tenants', 'tenant_hosts', 'signing_keys', 'auth_keys', 'deployed_keyrings', 'backlogs'],
  ...['webhook_endpoints', 'audit_heads', 'providers', 'foreign_key_secrets'],
]
const LARGE: string[] = Object.values(schema)
  .filter((table) => is(table, PgTable))
  .map((table) => getTableName(table))
  .filter((name) => !TINY.includes(name))

/** Partial indexes of what waits: a queue is meant to be read whole, and is short. */
const WAITING = [
  'events_undispatched',
  'events_pending',
  'events_parked',
  'mails_due',
  'webhook_deliveries_next',
  'users_to_erase',
  'users_ending',
  'second_factor_removals_due',
]

/** EXPLAIN's JSON, the fields that we read. */
type Plan = {
  'Node Type': string
  'Relation Name'?: string
  'Index Name'?: string
  'Index Cond'?: string
  'Total Cost': number
  Plans?: Plan[]
}

/** @param statement planned with its own parameters, as Neon plans it */
async function explain(client: pg.Client, { query, params }: Statement): Promise<Plan> {
  const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
    `explain (format json) ${query}`,
    params,
  )
  const [row] = rows
  if (!row) throw new Error(`no plan for ${query}`)
  return row['QUERY PLAN'][0].Plan
}

function* nodesOf(plan: Plan): Generator<Plan> {
  yield plan
  for (const below of plan.Plans ?? []) yield* nodesOf(below)
}

/** Of the audit log, the months with anything in them: the others are there ahead of time. */
let filledMonths: string[] = []

const isLarge = ({ 'Relation Name': table = '' }: Plan) =>
  LARGE.includes(table) || filledMonths.includes(table)

/** Reading an index from end to end is no better than reading the table so. */
function isWholeRead(node: Plan): boolean {
  const reads = node['Node Type']
  if (/^(Parallel )?Seq Scan$/.test(reads)) return isLarge(node)
  const { 'Index Name': index = '' } = node
  const readsIndex = /^(Bitmap )?Index (Only )?Scan$/.test(reads) && node['Index Cond'] === undefined
  return readsIndex && !WAITING.includes(index) && (node['Relation Name'] === undefined || isLarge(node))
}

/** How a plan reaches the large tables, e.g. `sessions_pkey`, or `SEQ SCAN users`. */
function pathsOf(plan: Plan): string {
  const paths = [...nodesOf(plan)].flatMap((node) => {
    if (isWholeRead(node))
      return [`${node['Node Type'].toUpperCase()} ${node['Relation Name'] ?? node['Index Name']}`]
    return node['Index Name'] ? [node['Index Name']] : []
  })
  return [...new Set(paths)].join(', ')
}

/** What PostgreSQL does with a table of a few rows says nothing about a large one. */
async function refuseEmpty(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ relname: string }>(
    'select relname from pg_class where relname = any($1) and relkind = $2 and reltuples < 10000',
    [LARGE, 'r'],
  )
  if (rows.length > 0)
    throw new Error(`bench/fill.ts fills not enough into ${rows.map(({ relname }) => relname).join(', ')}`)
}

async function findFilledMonths(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ relname: string }>(
    `select relname from pg_class where relname ~ '^audit_events_' and relkind = 'r' and reltuples > 0`,
  )
  return rows.map(({ relname }) => relname)
}

const summaryOf = (query: string) => query.replaceAll('"', '').replaceAll(/\s+/g, ' ').trim().slice(0, 60)

function lineFor({ operation, query }: Statement, plan: Plan, isWrong: boolean): string {
  const cost = plan['Total Cost'].toFixed(1).padStart(9)
  const verdict = isWrong ? 'SCAN' : '  ok'
  return `${verdict} ${cost}  ${operation.padEnd(23)} ${summaryOf(query).padEnd(60)}  ${pathsOf(plan)}`
}

async function main(): Promise<void> {
  const stack = await startStack()
  const client = new pg.Client({ connectionString: stack.databaseUrl })
  try {
    const statements = await recordStatements(stack)
    await client.connect()
    console.log('filling the database, a minute or two')
    const startedAt = performance.now()
    await fill(client)
    await makeMonths(stack) // out of what the default partition took
    await client.query('vacuum analyze')
    await refuseEmpty(client)
    filledMonths = await findFilledMonths(client)
    const seconds = Math.round((performance.now() - startedAt) / 1000)
    const { rows } = await client.query(
      'select (select count(*) from sessions) as sessions, (select count(*) from refresh_tokens) as refresh_tokens',
    )
    console.log(
      `filled in ${seconds} s: ${rows[0].sessions} sessions, ${rows[0].refresh_tokens} refresh tokens`,
    )
    let wrong = 0
    const shown = new Set<string>()
    for (const statement of statements) {
      const plan = await explain(client, statement)
      const isWrong = [...nodesOf(plan)].some(isWholeRead)
      if (isWrong) wrong += 1
      // Operations share statements; each is shown once.
      if (!isWrong && shown.has(statement.query)) continue
      shown.add(statement.query)
      console.log(lineFor(statement, plan, isWrong))
    }
    console.log(
      `${statements.length} statements (${shown.size} different), ${wrong} that read a large table whole`,
    )
    if (wrong > 0) process.exitCode = 1
  } finally {
    await client.end()
    await stack.stop()
  }
}

await main()
