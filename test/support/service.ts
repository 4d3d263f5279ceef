/**
 * A running Latchkey for one test file: workerd with the deployable bundles, a database of its own on the real
 * PostgreSQL, a Redis engine of its own. Tests speak HTTP to it and look into tables only to prove what is stored.
 */
import pg from 'pg'
import { inject } from 'vitest'
import { createTestHarness, type TestHarness, unstable_readConfig } from 'wrangler'
import { startNeonEndpoint } from '../../dev/neon-endpoint.ts'
import { createRedisEngine } from '../../dev/redis/engine.ts'
import { startUpstashEndpoint } from '../../dev/upstash-endpoint.ts'
import { newKeyringEntry } from '../../ops/keys.ts'
import { bundleOf } from './stack.ts'

export type Row = Record<string, unknown>

export type Service = {
  /** Where workerd listens, for raw sockets. */
  url: URL
  /** The bindings as the Workers got them. */
  bindings: Record<string, string>
  /** `http://<tenant host><path>`; the tenant's host decides who is asked. */
  fetch(url: string, init?: RequestInit): Promise<Response>
  /** Asks PostgreSQL itself, past everything that is ours. */
  sql<R extends Row = Row>(text: string, values?: unknown[]): Promise<R[]>
  /** A tenant of its own, so that tests share nothing. */
  newTenant(options?: { allowedOrigins?: string[]; settings?: Row }): Promise<TestTenant>
  /** Round trips that the endpoints themselves saw so far. */
  trips(): { postgres: number; redis: number }
  logs(): string[]
  stop(): Promise<void>
}

export type TestTenant = { id: string; host: string; origin: string }

export type ServiceOptions = {
  /** One Worker per `[env]` side by side instead of the all-in-one; requests are routed by wrangler.toml's routes. */
  workers?: readonly string[]
  bindings?: Record<string, string>
}

let tenants = 0

export async function startService({ workers = [''], bindings = {} }: ServiceOptions = {}): Promise<Service> {
  const { postgresPort, template, bundles, signingSealKeys } = inject('stack')
  const database = await cloneDatabase(postgresPort, template)
  const neon = await startNeonEndpoint({ postgresPort })
  const redis = await startUpstashEndpoint({ engine: await createRedisEngine(), token: 'local' })
  const all = {
    ENVIRONMENT: 'local',
    DATABASE_URL: `postgresql://latchkey:latchkey@127.0.0.1:${neon.port}/${database.name}`,
    UPSTASH_REDIS_REST_URL: redis.url,
    UPSTASH_REDIS_REST_TOKEN: 'local',
    AUTH_KEYS: newKeyringEntry('k1'),
    SIGNING_SEAL_KEYS: signingSealKeys,
    SERVER_TIMING: 'on',
    // The machine is shared: a deadline that production keeps would sometimes be missed here. Tests of deadlines set theirs.
    REDIS_TIMEOUT_MS: '5000',
    POSTGRES_TIMEOUT_MS: '10000',
    REQUEST_TIMEOUT_MS: '30000',
    ...bindings,
  }
  const harness = createTestHarness({ workers: workers.map((worker) => workerOptions(worker, bundles, all)) })
  const { url } = await harness.listen()
  return {
    url,
    bindings: all,
    fetch: (target, init) => dispatch(harness, target, init),
    sql: async (text, values) => (await database.client.query(text, values)).rows,
    newTenant: (options) => insertTenant(database.client, options),
    trips: () => ({ postgres: neon.trips(), redis: redis.trips() }),
    logs: () => harness.getLogs().map(({ message }) => message),
    stop: async () => {
      await harness.close()
      await Promise.all([neon.stop(), redis.stop(), database.drop()])
    },
  }
}

/** Each Worker gets the secrets that wrangler.toml requires for it, and no others. */
function workerOptions(worker: string, bundles: string, bindings: Record<string, string>) {
  const { secrets } = unstable_readConfig({ config: 'wrangler.toml', env: worker }, { hideWarnings: true })
  const names = secrets?.required ?? []
  const pick = (isSecret: boolean) =>
    Object.fromEntries(Object.entries(bindings).filter(([name]) => isSecret === /DATABASE|UPSTASH|KEYS/.test(name)))
  return {
    configPath: 'wrangler.toml',
    ...(worker !== '' && { env: worker }),
    prebuiltWorkerDir: bundleOf(bundles, worker),
    vars: pick(false),
    secrets: Object.fromEntries(Object.entries(pick(true)).filter(([name]) => names.includes(name))),
  }
}

async function dispatch(harness: TestHarness, target: string, init: RequestInit = {}): Promise<Response> {
  // The harness types its own Response; it is the platform's.
  return (await harness.fetch(target, { redirect: 'manual', ...init } as never)) as unknown as Response
}

async function cloneDatabase(port: number, template: string) {
  const name = `test_${process.pid}_${Math.round(performance.now() * 1000)}`
  const connect = async (database: string) => {
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'latchkey', password: 'latchkey', database })
    await client.connect()
    return client
  }
  const admin = await connect('postgres')
  await admin.query(`create database ${name} template ${template} strategy file_copy`)
  const client = await connect(name)
  const drop = async () => {
    await client.end()
    await admin.query(`drop database ${name} with (force)`)
    await admin.end()
  }
  return { name, client, drop }
}

async function insertTenant(
  client: pg.Client,
  { allowedOrigins = [], settings = {} }: { allowedOrigins?: string[]; settings?: Row } = {},
): Promise<TestTenant> {
  tenants += 1
  const id = `0199aaaa-0000-7000-8000-${String(process.pid % 1_000_000).padStart(6, '0')}${String(tenants).padStart(6, '0')}`
  const slug = `tenant-${process.pid}-${tenants}`
  const host = `${slug}.test`
  const origin = `http://${host}`
  await client.query(
    'insert into tenants (id, slug, name, issuer, allowed_origins, settings) values ($1, $2, $3, $4, $5, $6)',
    [id, slug, `Tenant ${tenants}`, origin, allowedOrigins, settings],
  )
  await client.query('insert into tenant_hosts (host, tenant_id) values ($1, $2)', [host, id])
  return { id, host, origin }
}
