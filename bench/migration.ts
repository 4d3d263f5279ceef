/**
 * `npm run bench:migration [-- <sessions>]` — how long refreshes wait while a migration makes an index on that many sessions
 * (5,000,000 unless given): as migrations make it, and the way that locks the table. Takes some minutes.
 */
import pg from 'pg'
import { createOperatorContext } from '../ops/context.ts'
import { migrate, parseMigration } from '../ops/migrate.ts'
import { createSender } from './client.ts'
import { describeMachine } from './machine.ts'
import { newEmail } from './operations.ts'
import { type Stack, startStack } from './stack.ts'
import { startWorkerd } from './workerd.ts'

const CALLERS = 4
const QUIET_MS = 5000

/** Sessions of accounts that have five each; only what an index is made of is filled in. */
async function fillSessions(client: pg.Client, sessions: number): Promise<void> {
  await client.query(`
    insert into users (id, tenant_id, email)
    select gen_random_uuid(), (select id from tenants order by id limit 1), 'filled' || n || '@example.com'
    from generate_series(1, ${Math.ceil(sessions / 5)}) n`)
  await client.query(`
    insert into sessions (id, tenant_id, user_id, expires_at, idle_expires_at, amr, aal, country, device_label)
    select gen_random_uuid(), tenant_id, id, now() + interval '1 day', now() + interval '1 day', '{pwd}', 1, 'DE',
      md5(device::text || id)
    from users, generate_series(1, 5) device where email like 'filled%'`)
  await client.query('vacuum analyze sessions')
}

type Refresh = () => Promise<unknown>

async function prepareRefresh(port: number): Promise<Refresh> {
  const { send } = createSender(port)
  const json = { email: newEmail(), password: 'correct horse battery' }
  let { body } = await send({ path: '/v1/register', json })
  return async () => {
    const { refresh_token } = JSON.parse(body)
    ;({ body } = await send({ path: '/v1/refresh', json: { refresh_token } }))
  }
}

/** Refreshes without a pause while `work` goes on. @returns how long each took, in milliseconds, in order of size */
async function refreshWhile(refreshes: Refresh[], work: () => Promise<unknown>): Promise<number[]> {
  let isDone = false
  const took: number[] = []
  const call = async (refresh: Refresh) => {
    while (!isDone) {
      const startedAt = performance.now()
      await refresh()
      took.push(performance.now() - startedAt)
    }
  }
  const calling = refreshes.map(call)
  await work().finally(() => {
    isDone = true
  })
  await Promise.all(calling)
  return took.sort((a, b) => a - b)
}

async function measure(stack: Stack, client: pg.Client): Promise<Record<string, object>> {
  const bindings = stack.bindingsFor(stack.ports)
  const services = [{ name: 'latchkey', bundle: stack.bundles.latchkey, bindings }]
  const workerd = await startWorkerd({ ...stack, services })
  const port = workerd.ports.latchkey ?? 0
  const { db } = createOperatorContext(bindings, ['DATABASE_URL'], {
    postgres: 3600_000,
    redis: 1000,
    request: 3600_000,
  })
  const text = 'create index concurrently bench_device on sessions (device_label, id)'
  const phases: Record<string, () => Promise<unknown>> = {
    'no migration': () => new Promise((resolve) => setTimeout(resolve, QUIET_MS)),
    'npm run migrate': () => migrate(db, [parseMigration('bench', text)]),
    'create index': () => client.query('create index bench_locking on sessions (device_label, id)'),
  }
  const rows: Record<string, object> = {}
  try {
    const refreshes = await Promise.all(Array.from({ length: CALLERS }, () => prepareRefresh(port)))
    for (const [phase, work] of Object.entries(phases)) {
      const startedAt = performance.now()
      const took = await refreshWhile(refreshes, work)
      const at = (share: number) =>
        Number((took[Math.floor((took.length - 1) * share)] ?? Number.NaN).toFixed(1))
      const seconds = Number(((performance.now() - startedAt) / 1000).toFixed(1))
      rows[phase] = {
        seconds,
        refreshes: took.length,
        'p50 ms': at(0.5),
        'p99 ms': at(0.99),
        'longest ms': at(1),
      }
    }
  } finally {
    await workerd.stop()
  }
  return rows
}

async function main(): Promise<void> {
  const sessions = Number(process.argv[2] ?? 5_000_000)
  if (!Number.isSafeInteger(sessions) || sessions < 1)
    throw new Error('usage: npm run bench:migration [-- <sessions>]')
  const stack = await startStack()
  const client = new pg.Client({ connectionString: stack.databaseUrl })
  try {
    await client.connect()
    console.log(`filling ${sessions} sessions`)
    await fillSessions(client, sessions)
    console.table(await measure(stack, client))
    const { cores, cpu, node } = describeMachine()
    console.log(`${sessions} sessions, ${CALLERS} callers; ${cores} × ${cpu}, Node ${node}`)
  } finally {
    await client.end()
    await stack.stop()
  }
}

await main()
