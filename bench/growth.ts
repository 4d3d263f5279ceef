/**
 * `npm run bench -- --growth [--rows 5000000]` — what the same calls take with 10,000 rows in each large table, and with more: three
 * databases in one PostgreSQL, each behind a copy of the same Worker, called in turns. With `--rows`, one more database of that many.
 * Latchkey's statements find what they need by an index, so that the last is to be the first, within a fifth.
 */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { seed } from '../dev/seed.ts'
import { createOperatorContext } from '../ops/context.ts'
import { migrateAll } from '../ops/migrate.ts'
import type { Database } from '../src/storage/postgres.ts'
import { claimDeliveries } from '../src/webhooks/claim-store.ts'
import { type PlantedApiKey, plantApiKey } from '../test/support/planted-api-keys.ts'
import type { TestTenant } from '../test/support/service.ts'
import { createSender, type Send } from './client.ts'
import { cpuMs, describeMachine, watchLoad } from './machine.ts'
import { type Measured, measure } from './measure.ts'
import { newEmail, type Task } from './operations.ts'
import { HOST, type Stack } from './stack.ts'
import { startWorkerd } from './workerd.ts'

const SIZES = [10_000, 100_000, 1_000_000]
const MAX_ROWS = 20_000_000
/** Ratio of the last to the first. */
const FLAT = 1.2
const PASSWORD = 'correct horse battery'

const nameOf = (rows: number) => `growth_${rows}`

export async function measureGrowth(
  stack: Stack,
  { rows, isQuick }: { rows: string | undefined; isQuick: boolean },
) {
  const sizes = [...SIZES, ...(rows === undefined ? [] : [readRows(rows)])]
  const largest = Math.max(...sizes)
  const clients: pg.Client[] = []
  const connect = async (database: string) => {
    const client = new pg.Client({ connectionString: stack.databaseUrl.replace(/\/[^/]*$/, `/${database}`) })
    await client.connect()
    clients.push(client)
    return client
  }
  const admin = await connect('postgres')
  const bindingsFor = (size: number) => {
    const bindings = stack.bindingsFor(stack.ports)
    return {
      ...bindings,
      DATABASE_URL: (bindings.DATABASE_URL ?? '').replace(/\/[^/]*$/, `/${nameOf(size)}`),
    }
  }
  const services = sizes.map((size) => ({
    name: nameOf(size),
    bundle: stack.bundles.latchkey,
    bindings: bindingsFor(size),
  }))
  for (const size of sizes) {
    await admin.query(`create database ${nameOf(size)}`)
    const operator = createOperatorContext(bindingsFor(size), ['DATABASE_URL', 'SIGNING_SEAL_KEYS'])
    await migrateAll(operator)
    await seed(operator, Number(HOST.split(':')[1]))
  }
  const workerd = await startWorkerd({ ...stack, services })
  try {
    const loadSince = watchLoad()
    const filled: [number, pg.Client][] = []
    for (const size of sizes) {
      console.log(`making ${size.toLocaleString('en')} rows in each of ${Object.keys(TABLES).length} tables`)
      const client = await connect(nameOf(size))
      await fill(client, size)
      filled.push([size, client])
    }
    // Only now: an access token is good for ten minutes, and five million rows take longer.
    const tasks: Task[] = []
    for (const [size, client] of filled) {
      const { db } = createOperatorContext(bindingsFor(size), ['DATABASE_URL'])
      tasks.push(...(await tasksOf(createSender(workerd.ports[nameOf(size)] ?? 0).send, client, db, size)))
    }
    const meters = { cpu: () => cpuMs(workerd.pid), trips: stack.trips }
    await measure(tasks, { rounds: 2, callsPerTurn: 5 }, meters)
    const measured = await measure(tasks, { rounds: isQuick ? 4 : 20, callsPerTurn: 5 }, meters)
    report(measured, sizes)
    const bytes = await bytesOfRows(await connect(nameOf(largest)), largest)
    console.table(bytes)
    const machine = { ...describeMachine(), ...loadSince() }
    console.log(
      `p50 in milliseconds, in turns on ${machine.cores} × ${machine.cpu}, ${(machine.othersShare * 100).toFixed(0)} % of the machine taken by others`,
    )
    return { machine, bytes, measured: Object.fromEntries(measured) }
  } finally {
    await workerd.stop()
    for (const client of clients) await client.end()
  }
}

function readRows(text: string): number {
  const rows = Number(text)
  if (!(Number.isSafeInteger(rows) && rows > 0 && rows <= MAX_ROWS))
    throw new Error(`--rows is a whole number, up to ${MAX_ROWS}`)
  return rows
}

/** Of one tenant: the worst case of what is found by tenant. A row each, as a busy deployment has them. */
const TABLES = {
  users: `(id, tenant_id, email, created_at)
   select id, tenant_id, 'user' || n || '@example.com', now() - make_interval(secs => n) from filled`,
  passwords: `(user_id, tenant_id, phc, key_id)
   select id, tenant_id, '$argon2id$v=19$m=19456,t=2,p=1$' || md5(id::text) || '$' || md5(n::text), 'k1' from filled`,
  sessions: `(id, tenant_id, user_id, created_at, expires_at, idle_expires_at, amr, aal, address, country, user_agent)
   select id, tenant_id, id, now() - make_interval(secs => n), now() + interval '20 days', now() + interval '10 days', '{pwd}', 1,
     '203.0.113.0/24', 'DE', 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)' from filled`,
  refresh_tokens: `(id, tenant_id, session_id, hash, key_id, expires_at)
   select id, tenant_id, id, sha256(id::text::bytea), 'k1', now() + interval '10 days' from filled`,
  api_keys: `(id, tenant_id, user_id, name, scopes, hash)
   select id, tenant_id, id, 'Key', '{orders:read}', sha256(id::text::bytea) from filled`,
  sign_in_failures: `(tenant_id, subject, consecutive_failures)
   select tenant_id, sha256(id::text::bytea), n % 9 from filled`,
  events: `(id, tenant_id, type, subject, actor, dispatched_at)
   select id, tenant_id, 'session.started', id, id, now() from filled`,
  audit_events: `(id, occurred_at, tenant_id, sequence, type, actor, subject, session_ids, data, network, previous_hash, hash)
   select id, now() - make_interval(secs => n), tenant_id, n, (array['session.started', 'session.refused', 'user.updated', 'session.ended'])[1 + n % 4],
     id, id, array[id], '{}', '203.0.113.0/24', sha256(id::text::bytea), sha256(id::text::bytea) from filled`,
  webhook_deliveries: `(id, tenant_id, endpoint_id, event_id, type, payload, next_attempt_at)
   select id, tenant_id, (select id from webhook_endpoints limit 1), id, 'session.started', '{}', now() - make_interval(secs => n) from filled`,
}

async function fill(client: pg.Client, rows: number): Promise<void> {
  await client.query(`
    create temporary table filled as
    select uuidv7(make_interval(secs => -n)) as id, n, (select id from tenants order by id limit 1) as tenant_id
    from generate_series(${rows}, 1, -1) n`)
  await client.query(
    `insert into webhook_endpoints (id, tenant_id, url, events, sealed_secret)
     select $1, id, 'https://example.com/in', '{*}', 'x' from tenants order by id limit 1`,
    [randomUUID()],
  )
  // Each row refers to what the same numbers made: no foreign key need be looked up for it.
  await client.query('set session_replication_role = replica')
  for (const [table, columns] of Object.entries(TABLES)) await client.query(`insert into ${table} ${columns}`)
  await client.query('reset session_replication_role')
  await client.query('drop table filled')
  await client.query('vacuum analyze')
}

/** What a row takes with its part of every index. */
async function bytesOfRows(client: pg.Client, rows: number) {
  const { rows: sizes } = await client.query<{ name: string; table: number; indexes: number }>(
    `select name, round(sum(pg_table_size(part)) / $2)::int as table, round(sum(pg_indexes_size(part)) / $2)::int as indexes
     from unnest($1::text[]) as name cross join lateral (
       select name::regclass as part union all select inhrelid from pg_inherits where inhparent = name::regclass) as parts
     group by name order by name`,
    [Object.keys(TABLES), rows],
  )
  return Object.fromEntries(
    sizes.map(({ name, table, indexes }) => [name, { 'bytes a row': table, 'and in indexes': indexes }]),
  )
}

/** The measured calls, by people who are there beside the rows. */
async function tasksOf(send: Send, client: pg.Client, db: Database, size: number): Promise<Task[]> {
  const sql = async (text: string, values?: unknown[]) => (await client.query(text, values)).rows
  const [tenant] = (await sql(
    'select id, name, slug from tenants join tenant_hosts on tenant_id = id where host = $1',
    [HOST],
  )) as TestTenant[]
  const [endpoint] = (await sql(`select id from webhook_endpoints`)) as { id: string }[]
  if (!tenant || !endpoint) throw new Error(`${nameOf(size)} has no tenant or no endpoint`)
  const person = async () => {
    const email = newEmail()
    const { body } = await send({ path: '/v1/register', json: { email, password: PASSWORD } })
    return { email, tokens: JSON.parse(body) }
  }
  const [signingIn, refreshing, administrator] = [await person(), await person(), await person()]
  await sql(`update users set roles = '{admin}' where id = $1`, [administrator.tokens.user.id])
  const apiKey: PlantedApiKey = await plantApiKey({ sql } as never, tenant, signingIn.tokens.user.id) // nothing else of a service
  const bearer: string = administrator.tokens.access_token
  let { refresh_token } = refreshing.tokens
  const calls: Record<string, () => Promise<unknown>> = {
    login: () => send({ path: '/v1/login', json: { email: signingIn.email, password: PASSWORD } }),
    refresh: async () => {
      const { body } = await send({ path: '/v1/refresh', json: { refresh_token } })
      refresh_token = JSON.parse(body).refresh_token
    },
    'sessions list': () => send({ path: '/v1/sessions', bearer }),
    'key verify': async () => {
      const { body } = await send({ path: '/v1/api-keys/verify', json: { key: apiKey.key } })
      if (!JSON.parse(body).valid) throw new Error('a key that is good was refused')
    },
    'audit query': () => send({ path: '/v1/admin/audit-events?type=session.refused&limit=20', bearer }),
    // Claimed for no time at all, so that the next one finds as many.
    'webhook claim': async () => {
      const claimed = await claimDeliveries({ db }, endpoint.id, { most: 4, leaseSeconds: 0 })
      if (claimed.length !== 4) throw new Error(`${claimed.length} deliveries were claimed`)
    },
  }
  return Object.entries(calls).map(([name, run]) => ({ name: `${name}, ${size}`, run }))
}

function report(measured: Map<string, Measured>, sizes: number[]): void {
  const names = [...new Set([...measured.keys()].map((key) => key.replace(/, \d+$/, '')))]
  const rows = names.map((name) => {
    const medians = sizes.map((size) => measured.get(`${name}, ${size}`)?.medianMs ?? Number.NaN)
    const ratio = (medians.at(-1) ?? Number.NaN) / (medians[0] ?? Number.NaN)
    const columns = sizes.map((size, at) => [`${size.toLocaleString('en')} rows`, rounded(medians[at])])
    return [name, { ...Object.fromEntries(columns), 'last ÷ first': rounded(ratio), flat: ratio <= FLAT }]
  })
  console.table(Object.fromEntries(rows))
}

const rounded = (value: number | undefined) => Number((value ?? Number.NaN).toFixed(2))
