/**
 * `npm run bench:row-security` — what row-level security on `users` and `sessions` would cost each request (docs/decisions.md): the statement that every
 * call with an access token sends, as it is, and under policies that read the tenant from a setting of the transaction.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { sql } from 'drizzle-orm'
import pg from 'pg'
import { startNeonEndpoint } from '../dev/neon-endpoint.ts'
import { startPostgres } from '../dev/postgres.ts'
import { seed } from '../dev/seed.ts'
import { createOperatorContext } from '../ops/context.ts'
import { newKeyringEntry } from '../ops/keyring.ts'
import { migrateAll } from '../ops/migrate.ts'
import { findCaller } from '../src/guard/caller-store.ts'
import { describeMachine } from './machine.ts'

const HOST = 'localhost:8787'
const SESSIONS = 200_000
const RUNS = 1000

/** By the tenant where the caller of the transaction has said it, and by the host, which is all that a request knows at first. */
const POLICIES = {
  'policy by tenant': `tenant_id = current_setting('latchkey.tenant', true)::uuid`,
  'policy by host': `tenant_id = (select tenant_id from tenant_hosts where host = current_setting('latchkey.host', true))`,
}

const median = (values: number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
const round = (value: number) => Number(value.toFixed(3))

async function fillSessions(client: pg.Client): Promise<string> {
  await client.query(`
    insert into users (id, tenant_id, email)
    select gen_random_uuid(), (select id from tenants limit 1), 'filled' || n || '@example.com' from generate_series(1, ${SESSIONS}) n`)
  await client.query(`
    insert into sessions (id, tenant_id, user_id, expires_at, idle_expires_at, amr, aal)
    select gen_random_uuid(), tenant_id, id, now() + interval '1 day', now() + interval '1 day', '{pwd}', 1 from users`)
  await client.query('vacuum analyze users, sessions')
  const { rows } = await client.query<{ id: string }>('select id from sessions limit 1 offset 1000')
  return rows[0]?.id ?? ''
}

/** Serves requests: neither the owner of the tables nor a superuser, so that policies count for it. */
async function makeRole(client: pg.Client): Promise<void> {
  await client.query(`create role serving; grant select on all tables in schema public to serving`)
}

async function setPolicy(client: pg.Client, condition: string | null): Promise<void> {
  for (const table of ['users', 'sessions']) {
    await client.query(`drop policy if exists tenants on ${table}`)
    await client.query(`alter table ${table} ${condition === null ? 'disable' : 'enable'} row level security`)
    if (condition !== null) await client.query(`create policy tenants on ${table} using (${condition})`)
  }
}

type Explained = {
  'QUERY PLAN': [{ 'Planning Time': number; 'Execution Time': number; Plan: { 'Actual Rows': number } }]
}

/** Planned anew each time, as Neon plans what comes over HTTP. */
async function explain(client: pg.Client, { text, params }: { text: string; params: unknown[] }) {
  const [planning, execution]: [number[], number[]] = [[], []]
  for (let run = 0; run < RUNS; run++) {
    const { rows } = await client.query<Explained>(
      `explain (analyze, timing off, format json) ${text}`,
      params,
    )
    const [explained] = rows[0]?.['QUERY PLAN'] ?? []
    if (explained?.Plan['Actual Rows'] !== 1) throw new Error('the statement did not find the caller')
    planning.push(explained['Planning Time'])
    execution.push(explained['Execution Time'])
  }
  return { 'planning ms': round(median(planning)), 'execution ms': round(median(execution)) }
}

async function timeOf(ask: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await ask()
  return performance.now() - startedAt
}

async function main(): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'latchkey-row-security-'))
  const postgres = await startPostgres({ dataDir: path.join(folder, 'postgres'), durable: false })
  const neon = await startNeonEndpoint({ postgresPort: postgres.port })
  const bindings = {
    ENVIRONMENT: 'local',
    DATABASE_URL: `postgresql://latchkey:latchkey@127.0.0.1:${neon.port}/latchkey`,
    AUTH_KEYS: newKeyringEntry('k1'),
    SIGNING_SEAL_KEYS: newKeyringEntry('s1'),
  }
  const operator = createOperatorContext(bindings, ['DATABASE_URL', 'AUTH_KEYS', 'SIGNING_SEAL_KEYS'])
  const client = new pg.Client({ connectionString: postgres.url })
  try {
    await migrateAll(operator)
    await seed(operator, 8787)
    await client.connect()
    const sid = await fillSessions(client)
    await makeRole(client)
    const find = findCaller(
      { db: operator.db, settings: operator.settings, host: HOST },
      { kid: 'none', sid },
      null,
    )
    const written = 'toSQL' in find ? find.toSQL() : find.getQuery()
    const statement = { text: written.sql, params: written.params }
    const { rows } = await client.query<{ id: string }>('select id from tenants limit 1')
    const settings = sql`select set_config('latchkey.tenant', ${rows[0]?.id}, true), set_config('latchkey.host', ${HOST}, true)`

    const planned: Record<string, object> = {}
    for (const [name, condition] of [['no policy', null], ...Object.entries(POLICIES)] as const) {
      await setPolicy(client, condition)
      await client.query(
        `select set_config('latchkey.tenant', $1, false), set_config('latchkey.host', $2, false)`,
        [rows[0]?.id, HOST],
      )
      await client.query('set role serving')
      planned[name] = await explain(client, statement)
      await client.query('reset role')
    }
    await setPolicy(client, null)

    const asked: Record<string, number[]> = { 'the statement': [], 'a batch with set_config before it': [] }
    for (let run = 0; run < RUNS; run++) {
      asked['the statement']?.push(await timeOf(() => Promise.resolve(find.execute())))
      asked['a batch with set_config before it']?.push(
        await timeOf(() => operator.db.batch([operator.db.execute(settings), find])),
      )
    }
    console.table(planned)
    console.table(
      Object.fromEntries(
        Object.entries(asked).map(([name, took]) => [name, { 'over HTTP, ms': round(median(took)) }]),
      ),
    )
    const { cores, cpu, node } = describeMachine()
    console.log(`medians of ${RUNS}, ${SESSIONS} sessions; ${cores} × ${cpu}, Node ${node}`)
  } finally {
    await client.end()
    await neon.stop()
    await postgres.stop()
    for (const made of [postgres.dataDir, folder]) await rm(made, { recursive: true, force: true })
  }
}

await main()
