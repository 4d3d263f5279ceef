/**
 * A running Latchkey for one test file at a time: workerd with the deployable bundles, a database of its own on the real
 * PostgreSQL, a Redis engine of its own, both empty when the file gets it. Tests speak HTTP to it and look into tables
 * only to prove what is stored.
 */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, inject } from 'vitest'
import { startNeonEndpoint } from '../../dev/neon-endpoint.ts'
import { createRedisEngine } from '../../dev/redis/engine.ts'
import { startUpstashEndpoint } from '../../dev/upstash-endpoint.ts'
import { createOperatorContext, type OperatorContext } from '../../ops/context.ts'
import { newKeyringEntry } from '../../ops/keyring.ts'
import { OPTIONAL_SECRETS } from '../../src/settings.ts'
import { requireTenantSettings } from '../../src/tenants/tenants.ts'
import { startBareWorkerd } from './bare-workerd.ts'
import { requireBundle } from './bundles.ts'
import { findSecrets } from './canaries.ts'
import { holdToContract } from './contract.ts'
import { type DirectInit, textOf } from './direct.ts'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { createLending } from './lending.ts'
import type { WorkerConfig } from './stack.ts'
import { modulesOf, type QueueOutcome, startWorkerd, type WorkerOptions } from './workerd.ts'

/** Most tests are about something else than what a hash costs. */
const CHEAP_HASHES = { ARGON2_MEMORY_KIB: '64' }

/** For the tests that are about it: bindings with which a hash costs what it costs in production. */
export const FULL_COST = { ARGON2_MEMORY_KIB: undefined }

export type Row = Record<string, unknown>

/** What lies behind the Workers; several services may share one. */
export type Backend = {
  /** Asks PostgreSQL itself, past everything that is ours. */
  sql<R extends Row = Row>(text: string, values?: unknown[]): Promise<R[]>
  /** One more connection, for a transaction or a lock that a test holds. */
  connect(): Promise<pg.Client>
  database: string
  /** Asks Redis itself, past every gate. */
  redis(command: string[]): Promise<unknown>
  /** A tenant of its own, so that tests share nothing. */
  newTenant(options?: TenantOptions): Promise<TestTenant>
  /** Round trips that the endpoints themselves saw so far. */
  trips(): { postgres: number; redis: number }
  /** `audit` is before the same database: the audit log's own way to it. */
  gates: { postgres: FaultProxy; redis: FaultProxy; audit: FaultProxy }
  /** What an operator's command uses on this database. */
  operator: OperatorContext
  bindings: Record<string, string>
  stop(): Promise<void>
}

export type Service = Omit<Backend, 'stop'> & {
  backend: Backend
  /** Where workerd listens, for raw sockets. */
  url: URL
  /** What the platform says of a caller (`request.cf`), unless a test does. */
  cf: Record<string, unknown>
  /** Whether a test reads what it tells its queue of events. */
  isHeard: boolean
  /** `http://<tenant host><path>`; the tenant's host decides who is asked. */
  fetch(url: string, init?: DirectInit): Promise<Response>
  logs(): string[]
  /** Hands a batch of a queue to its consumer, in workerd, and says what it decided. */
  queue(name: string, bodies: readonly unknown[], attempts?: number): Promise<QueueOutcome>
  /** Hands everything that the outbox holds and no one took to the consumer. */
  consume(): Promise<QueueOutcome>
  runCron(cron: string): Promise<{ outcome: string }>
  /**
   * The end of a test file: what it logged is forgotten.
   * @throws when a secret is in that or in what it keeps
   */
  finish(): Promise<void>
  stop(): Promise<void>
}

export type TestTenant = { id: string; host: string; origin: string; name: string; slug: string }

export type TenantOptions = { allowedOrigins?: string[]; settings?: Row; host?: string }

export type ServiceOptions = {
  /** One Worker per `[env]` side by side instead of the all-in-one; requests are routed by wrangler.toml's routes. */
  workers?: readonly string[]
  /** In place of the usual ones; undefined takes one away. */
  bindings?: Record<string, string | undefined>
  /** Where the queue `events` is sent to (test/support/queue.ts) instead of to the local one. */
  queueUrl?: string
  /** The same for the queue `deliveries`. */
  deliveriesUrl?: string
  /** Another service, whose database and Redis this one uses as well. */
  beside?: Service
  /** A Worker that stands in for the binding EDGE_LIMITER. */
  edgeLimiter?: string
  /** Where every request goes that is meant for another machine (test/support/world.worker.js). */
  worldUrl?: string
  /** A folder of other bundles than those of this checkout (test/support/previous-release.ts). */
  bundles?: string
}

type UseOptions = Omit<ServiceOptions, 'beside'> & { beside?: () => Service }

/** A service for the tests of the file (or of the `describe`) that calls this, started for it and ended with it. */
export const useService = (options: UseOptions = {}) => useOne(startService, options)

/** For a file that asks for a service in its own `beforeAll`; `stop` gives it back. */
export const lendService = createLending(startService)

/**
 * The same, but another file of this process may have had it before, and another gets it afterwards, with empty tables:
 * for tests that are satisfied with tenants of their own. Starting one costs more than most files ask of it.
 */
export const useLentService = (options: UseOptions = {}) => useOne(lendService, options)

function useOne(
  start: (options: ServiceOptions) => Promise<Service>,
  { beside, ...options }: UseOptions,
): () => Service {
  let service: Service | undefined
  beforeAll(async () => {
    service = await start({ ...options, ...(beside && { beside: beside() }) })
  })
  afterAll(async () => service?.stop())
  return () => {
    if (!service) throw new Error('the service is not started yet')
    return service
  }
}

export async function startService(options: ServiceOptions = {}): Promise<Service> {
  const { workers = [''], bindings = {}, queueUrl, deliveriesUrl, beside } = options
  const { bundles = inject('stack').bundles, edgeLimiter, worldUrl } = options
  const folders = await Promise.all(workers.map((worker) => requireBundle(bundles, worker)))
  const backend = beside?.backend ?? (await startBackend())
  const all = presentOf({ ...backend.bindings, ...bindings })
  const started = [
    ...workers.map((worker, at) => {
      const overrides = {
        ...(queueUrl && { EVENTS: 'queue-events' }),
        ...(deliveriesUrl && { DELIVERIES: 'queue-deliveries' }),
        ...(edgeLimiter && { EDGE_LIMITER: 'edge-limiter' }),
      }
      const made = workerOptions(configOf(worker), { bundle: folders[at] ?? '', bindings: all, overrides })
      return worldUrl === undefined ? made : { ...made, outboundService: 'world' }
    }),
    ...(worldUrl ? [standIn('world', 'test/support/world.worker.js', { WORLD_URL: worldUrl })] : []),
    ...(queueUrl ? [standIn('queue-events', 'test/support/queue.worker.js', { QUEUE_URL: queueUrl })] : []),
    ...(deliveriesUrl
      ? [standIn('queue-deliveries', 'test/support/queue.worker.js', { QUEUE_URL: deliveriesUrl })]
      : []),
    ...(edgeLimiter ? [standIn('edge-limiter', edgeLimiter)] : []),
  ]
  const workerd = await (workers.length === 1 ? startBareWorkerd(started, bundles) : startWorkerd(started))
  const jobs = configOf(workers.includes('jobs') ? 'jobs' : (workers[0] ?? '')).name
  const queue: Service['queue'] = (name, bodies, attempts = 1) =>
    workerd.queue(
      jobs,
      name,
      bodies.map((body) => ({ id: randomUUID(), timestamp: new Date(), attempts, body })),
    )
  const check = async (logged: string[]) => {
    refuseSecrets('the log says', logged.join('\n'), all)
    for (const { what, text } of await backend.sql<{ what: string; text: string }>(KEPT_TEXT))
      refuseSecrets(`${what} hold`, text, all)
  }
  return {
    queue,
    consume: async () => {
      const rows = await backend.sql<{ id: string }>(
        'select id from events where dispatched_at is null order by id',
      )
      return queue(
        'latchkey-events',
        rows.map(({ id }) => ({ recorded: [id] })),
      )
    },
    runCron: (cron) => workerd.scheduled(jobs, cron),
    ...backend,
    backend,
    url: workerd.url,
    cf: workerd.cf,
    isHeard: queueUrl !== undefined,
    bindings: all,
    fetch: async (target, init) => {
      const response = await workerd.fetch(target, init)
      // A Worker alone does not have the operations of the others.
      const isElsewhere = options.workers !== undefined && response.status === 404
      if (options.bundles === undefined && !isElsewhere)
        await holdToContract(init?.method ?? 'GET', target, response)
      if (response.status >= 400) refuseSecrets(`${target} answered`, await saidBy(response), all)
      return response
    },
    logs: workerd.logs,
    finish: () => check(workerd.takeLogs()),
    stop: async () => {
      await workerd.stop()
      await check(workerd.logs()) // a test may read them afterwards
      if (!beside) await backend.stop()
    },
  }
}

function presentOf(bindings: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(bindings).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

async function startBackend(): Promise<Backend> {
  const { postgresPort, template, signingSealKeys } = inject('stack')
  const database = await cloneDatabase(postgresPort, template)
  const neon = await startNeonEndpoint({ postgresPort })
  const engine = await createRedisEngine()
  const redis = await startUpstashEndpoint({ engine, token: 'local' })
  const gates = {
    postgres: await startFaultProxy('neon', neon),
    redis: await startFaultProxy('upstash', redis),
    audit: await startFaultProxy('neon', neon),
  }
  const databaseUrl = (port: number) => `postgresql://latchkey:latchkey@127.0.0.1:${port}/${database.name}`
  const authKeys = newKeyringEntry('k1')
  const operatorBindings = {
    ENVIRONMENT: 'local',
    DATABASE_URL: databaseUrl(neon.port),
    SIGNING_SEAL_KEYS: signingSealKeys,
    AUTH_KEYS: authKeys,
  }
  return {
    sql: async (text, values) => (await database.client.query(text, values)).rows,
    connect: () => connect(postgresPort, database.name),
    database: database.name,
    redis: (command) => engine.exec(command),
    newTenant: (options) => insertTenant(database.client, options),
    trips: () => ({ postgres: neon.trips(), redis: redis.trips() }),
    gates,
    operator: createOperatorContext(
      operatorBindings,
      ['DATABASE_URL', 'SIGNING_SEAL_KEYS', 'AUTH_KEYS'],
      DEADLINES,
    ),
    bindings: {
      ENVIRONMENT: 'local',
      DATABASE_URL: databaseUrl(gates.postgres.port),
      AUDIT_DATABASE_URL: databaseUrl(gates.audit.port),
      UPSTASH_REDIS_REST_URL: `http://127.0.0.1:${gates.redis.port}`,
      UPSTASH_REDIS_REST_TOKEN: 'local',
      AUTH_KEYS: authKeys,
      SIGNING_SEAL_KEYS: signingSealKeys,
      SERVER_TIMING: 'on',
      // The machine is shared: a deadline that production keeps would sometimes be missed here. Tests of deadlines set theirs.
      REDIS_TIMEOUT_MS: '20000',
      POSTGRES_TIMEOUT_MS: '20000',
      REQUEST_TIMEOUT_MS: '60000',
      MAX_HASHES_IN_FLIGHT: '1000',
      HASH_WAIT_MS: '60000',
      ...CHEAP_HASHES,
      // Receivers of the tests listen on this machine; the tests of what is refused set this themselves.
      WEBHOOK_PRIVATE_TARGETS: 'allowed',
    },
    stop: async () => {
      await Promise.all(Object.values(gates).map((gate) => gate.stop()))
      await Promise.all([neon.stop(), redis.stop()])
      await database.drop()
    },
  }
}

/** A service is lent to many files, one after the other, for longer than any one command may take. */
const DEADLINES = { postgres: 60_000, redis: 10_000, request: Number.POSITIVE_INFINITY }

/** Whatever happened, as it is kept and sent on. */
const KEPT_TEXT = `
  select 'events' as what, coalesce(string_agg(data::text, ' '), '') as text from events
  union all select 'audit rows', coalesce(string_agg(data::text, ' '), '') from audit_events
  union all select 'deliveries', coalesce(string_agg(payload || ' ' || coalesce(last_error, ''), ' '), '') from webhook_deliveries
  union all select 'mails', coalesce(string_agg(coalesce(reason, ''), ' '), '') from mails`

/** A page that refuses shows its own person what they typed, and who they are: no one else is told. */
async function saidBy(response: Response): Promise<string> {
  const text = await textOf(response)
  const isPage = (response.headers.get('content-type') ?? '').startsWith('text/html')
  return isPage ? text.replaceAll(/[\w.+-]+@example\.(com|org)/gi, '') : text
}

/** @throws when what the service said holds a secret: whatever a test file is about, it is about this too */
function refuseSecrets(
  where: string,
  said: string,
  { AUTH_KEYS = '', SIGNING_SEAL_KEYS = '', SERVICE_KEYS = '' }: Record<string, string>,
) {
  const keyrings = [AUTH_KEYS, SIGNING_SEAL_KEYS, SERVICE_KEYS].filter((keyring) => keyring !== '')
  const found = findSecrets(said, keyrings)
  if (found.length > 0) throw new Error(`${where} ${found.join('\n')}`)
}

/** A Worker of the tests, in place of a binding. */
const standIn = (name: string, scriptPath: string, bindings: Record<string, string> = {}): WorkerOptions => ({
  name,
  modules: true,
  scriptPath,
  compatibilityDate: '2026-10-20',
  bindings,
})

/** The Workers that an operator gives the optional secrets to (docs/settings.md). */
const READS_AUDIT = new Set(['', 'admin', 'session', 'pages', 'jobs'])
const isOptionalFor = (worker: string, secret: string) =>
  secret === 'SERVICE_KEYS' ? worker !== 'jobs' : READS_AUDIT.has(worker)

function configOf(worker: string): WorkerConfig {
  const config = inject('stack').workers[worker]
  if (!config) throw new Error(`wrangler.toml has no [env.${worker}]`)
  return config
}

type Given = { bundle: string; bindings: Record<string, string>; overrides: Record<string, string> }

/** Each Worker gets the secrets that wrangler.toml requires for it, and no others. */
function workerOptions(config: WorkerConfig, { bundle, bindings, overrides }: Given): WorkerOptions {
  const { worker, name, entry, options } = config
  const optional = OPTIONAL_SECRETS.filter((secret) => isOptionalFor(worker, secret))
  const given = Object.entries(bindings).filter(
    ([name]) => !isSecret(name) || [...config.secrets, ...optional].includes(name),
  )
  const without = (bound: object = {}) =>
    Object.fromEntries(Object.entries(bound).filter(([binding]) => !(binding in overrides)))
  return {
    ...options,
    ...modulesOf(bundle, entry),
    name,
    bindings: { ...options.bindings, ...Object.fromEntries(given) },
    queueProducers: without(options.queueProducers),
    ratelimits: without(options.ratelimits),
    serviceBindings: overrides,
  } as WorkerOptions
}

const isSecret = (name: string) => /DATABASE|UPSTASH|KEYS|API_KEY/.test(name)

async function connect(port: number, database: string): Promise<pg.Client> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'latchkey', password: 'latchkey', database })
  await client.connect()
  return client
}

let databases = 0

async function cloneDatabase(port: number, template: string) {
  databases += 1
  const name = `test_${process.pid}_${Date.now()}_${databases}`
  const admin = await connect(port, 'postgres')
  await admin.query(`create database ${name} template ${template} strategy file_copy`)
  const client = await connect(port, name)
  const drop = async () => {
    await client.end()
    await admin.query(`drop database ${name} with (force)`)
    await admin.end()
  }
  return { name, client, drop }
}

let tenants = 0

async function insertTenant(client: pg.Client, options: TenantOptions = {}): Promise<TestTenant> {
  tenants += 1
  const { allowedOrigins = [], settings = {} } = options
  const digits = (value: number) => String(value % 1_000_000).padStart(6, '0')
  const id = `0199aaaa-0000-7000-8000-${digits(process.pid)}${digits(tenants)}`
  const slug = `tenant-${process.pid}-${tenants}`
  const name = `Tenant No ${tenants}`
  const host = options.host ?? `${slug}.test`
  const origin = `http://${host}`
  await client.query(
    'insert into tenants (id, slug, name, issuer, allowed_origins, settings) values ($1, $2, $3, $4, $5, $6)',
    // Most tests want an account at once; those of the other way say so.
    [
      id,
      slug,
      name,
      origin,
      allowedOrigins,
      requireTenantSettings({
        registration: 'sign-in-at-once',
        api_key_scopes: ['orders:read', 'orders:write'],
        ...settings,
      }),
    ],
  )
  await client.query('insert into tenant_hosts (host, tenant_id) values ($1, $2)', [host, id])
  return { id, host, origin, name, slug }
}
