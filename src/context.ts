/**
 * What one request may use, made for it and gone with it: database, limits, clock, randomness, log, deferred work.
 * A function takes the members that it touches with `Pick<Context, …>`, so that its signature states its effects.
 */
import type { Bindings, EmailBinding, MessageQueue, RateLimiter } from './bindings.ts'
import type { ChangeType } from './events/catalogue.ts'
import { type ClientDetails, readClient } from './http/client.ts'
import { readTrustedCookie } from './http/cookies.ts'
import { createLog, type Log, type LogFields } from './log.ts'
import { faultOf } from './problem.ts'
import { type Secret, type Settings, settingsOf } from './settings.ts'
import { createDatabase, type Database } from './storage/postgres.ts'
import { createRedis, type Redis } from './storage/redis.ts'
import { createTrips, type Trips } from './storage/trips.ts'

export type Context = {
  requestId: string
  settings: Settings
  db: Database
  /** The audit log's database, which may be the same one. */
  auditDb: Database
  redis: Redis
  trips: Trips
  /** Limits without a trip: `edge` for what needs no Redis, `fallback` for when Redis is down. */
  rateLimiters: { edge: RateLimiter | undefined; fallback: RateLimiter | undefined }
  /** The request's host, with its port where that is not the scheme's own; finds the tenant. */
  host: string
  /** The request's own origin, e.g. `https://auth.example.com`. */
  origin: string
  /** The `Origin` header: who calls, when that is a browser. */
  callerOrigin: string | null
  /** `Sec-Fetch-Site`: how the browser relates the caller to us. */
  fetchSite: string | null
  client: ClientDetails
  /** The cookie of a trusted browser (sign-in/trusted-device.ts); it proves nothing by itself. */
  trustedCookie: string | null
  /** The cross-origin page that may read the answer, once the tenant is known to have allowed it. */
  readers: { origin: string | null }
  /** Of the host's tenant, once it is known: what a page is headed with, its colour, the version of its logo, its key at Turnstile, and whether a browser can be trusted. */
  tenant: {
    name: string | null
    colour: string | null
    logo: string | null
    turnstile: string | null
    trustsDevices: boolean
  }
  /** The fields that a form of ours was posted with: what its page shows again where it was refused. */
  posted: ReadonlyMap<string, string>
  log: Log
  /** Whose attempt the request is, once it is known (passwords/at-once.ts): whom its hash goes before, and whom after. */
  attempt: { account: string | null; isKnown: boolean }
  /** What the request's one log line says besides its numbers: tenant, limiter, and the code and evidence of a refusal. */
  outcome: LogFields
  /** What the statements of this request may have recorded: ids of the outbox, handed on after the response. */
  happened: {
    recorded: string[]
    /** What was asked for an address that has no account which needs it: an attempt, which changed nothing. */
    unowned?: ChangeType
  }
  queues: Queues
  now(): Date
  random(bytes: number): Uint8Array
  /** Runs work after the response; its failure is logged and changes nothing. */
  defer(work: Promise<unknown>): void
}

/** Absent on a Worker that states none: then what is recorded waits for the sweep. */
export type Queues = { events: MessageQueue | undefined; deliveries: MessageQueue | undefined }

/** What a queue consumer or a cron job may use: no request, no caller, no host. Made for one batch and gone with it. */
export type JobContext = Pick<
  Context,
  'settings' | 'db' | 'auditDb' | 'redis' | 'trips' | 'log' | 'now' | 'random' | 'queues'
> & { client: null; happened: Context['happened']; email: EmailBinding | undefined }

export type Env = { Bindings: Bindings; Variables: { ctx: Context } }

/** @throws Fault when a setting that this Worker needs is missing or malformed */
export function createContext(
  request: Request,
  bindings: Bindings,
  waitUntil: (work: Promise<unknown>) => void,
  needed: readonly Secret[],
  requestId: string,
): Context {
  const settings = settingsOf(bindings, needed)
  const trips = createTrips({
    postgres: settings.postgresTimeoutMs,
    redis: settings.redisTimeoutMs,
    request: settings.requestTimeoutMs,
  })
  const url = new URL(request.url)
  const log = createLog({ request_id: requestId })
  return Object.assign(createUpstreams(settings, trips, bindings), {
    requestId,
    rateLimiters: { edge: bindings.EDGE_LIMITER, fallback: bindings.FALLBACK_LIMITER },
    log,
    host: url.host,
    origin: url.origin,
    callerOrigin: request.headers.get('origin'),
    fetchSite: request.headers.get('sec-fetch-site'),
    client: readClient(request),
    trustedCookie: readTrustedCookie(request.headers),
    readers: { origin: null },
    tenant: { name: null, colour: null, logo: null, turnstile: null, trustsDevices: false },
    posted: new Map<string, string>(),
    attempt: { account: null, isKnown: false },
    outcome: {},
    defer: (work: Promise<unknown>) =>
      waitUntil(
        work.catch((error) => log('error', 'deferred work failed', { cause: faultOf(error).message })),
      ),
  })
}

/** A job has a quarter of an hour ; this leaves some of it to the platform. */
const JOB_TIMEOUT_MS = 600_000

/**
 * @param standing what every log line of the job carries, e.g. its queue
 * @throws Fault when a setting that this Worker needs is missing or malformed
 */
export function createJobContext(
  bindings: Bindings,
  needed: readonly Secret[],
  standing: LogFields,
): JobContext {
  const settings = settingsOf(bindings, needed)
  const trips = createTrips({
    postgres: settings.jobPostgresTimeoutMs,
    redis: settings.jobPostgresTimeoutMs,
    request: JOB_TIMEOUT_MS,
  })
  return Object.assign(createUpstreams(settings, trips, bindings), {
    log: createLog({ job_id: crypto.randomUUID(), ...standing }),
    client: null,
    email: bindings.EMAIL,
  })
}

/** What requests and jobs have in common. Others are added to it, not it to them: a copy would read its members. */
function createUpstreams(settings: Settings, trips: Trips, { EVENTS, DELIVERIES }: Bindings) {
  const queues: Queues = { events: EVENTS, deliveries: DELIVERIES }
  const happened: Context['happened'] = { recorded: [] }
  // One of each for everything that the request or job asks.
  let [db, auditDb, redis]: [Database?, Database?, Redis?] = []
  return {
    settings,
    trips,
    queues,
    happened,
    // Only Workers that hold the setting may touch these; reading them elsewhere is a fault that names it.
    get db() {
      db ??= createDatabase(settings.databaseUrl, trips)
      return db
    },
    get auditDb() {
      auditDb ??= createDatabase(settings.auditDatabaseUrl, trips)
      return auditDb
    },
    get redis() {
      redis ??= createRedis(settings.redis, trips)
      return redis
    },
    now: () => new Date(),
    random: (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes)),
  }
}
