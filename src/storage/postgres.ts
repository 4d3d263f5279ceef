/**
 * Neon Postgres over HTTP: one client per request, one POST per query or batch, each with a deadline and counted.
 * There is no pool to exhaust and no session to leave open. Errors leave here mapped,
 * because the driver's own texts carry parameters and connection strings.
 */
import { type NeonQueryFunction, neon, neonConfig } from '@neondatabase/serverless'
import { drizzle, type NeonHttpDatabase } from 'drizzle-orm/neon-http'
import { isLoopback } from '../environments.ts'
import { Fault } from '../problem.ts'
import { meaningOf } from './neon-refusal.ts'
import { type Trips, upstreamFault } from './trips.ts'

export type Database = NeonHttpDatabase<Record<string, never>> & { $client: NeonQueryFunction<false, false> }

/** What the driver reads of a response. Not a Response made anew: that costs a tenth of a millisecond of CPU. */
type Answer = { ok: boolean; status: number; text(): Promise<string>; json(): Promise<unknown> }

type Perform = (url: string, init: RequestInit) => Promise<Answer>

// neonConfig is module-wide, so it holds no state of ours: it only says to use the fetch that the request brought
// along in `fetchOptions`, and where the local stack listens.
const neonEndpoint = neonConfig.fetchEndpoint
neonConfig.fetchFunction = (url: string, { perform, ...init }: RequestInit & { perform: Perform }) =>
  perform(url, init)
neonConfig.fetchEndpoint = (host, port, options) => {
  if (isLoopback(host)) return `http://${host}:${port}/sql`
  return typeof neonEndpoint === 'string' ? neonEndpoint : neonEndpoint(host, port, options)
}

/** @param url a Postgres connection string; over HTTP only its host, user, password and database matter */
export function createDatabase(url: string, trips: Trips): Database {
  const ask: Perform = async (endpoint, init) => {
    const { signal, end } = trips.begin('postgres')
    try {
      const response = await fetch(endpoint, { ...init, redirect: 'manual', signal })
      const body = await response.text()
      if (response.status !== 200) throwIfDown(response.status, body)
      const { ok, status } = response
      return { ok, status, text: async () => body, json: async () => JSON.parse(body) }
    } catch (error) {
      throw error instanceof Fault || error instanceof RolledBack ? error : upstreamFault('postgres', error)
    } finally {
      end()
    }
  }
  const perform: Perform = async (endpoint, init) => {
    try {
      return await ask(endpoint, init)
    } catch (error) {
      if (!(error instanceof RolledBack)) throw error
    }
    // Nothing of the statement or batch has happened, and it brings its own ids: so the same bytes may be sent once more.
    return ask(endpoint, init).catch((error: unknown) => {
      throw error instanceof RolledBack ? new Fault('upstream_unavailable', `${error.message} twice`) : error
    })
  }
  // Every decision that waits for a lock looks again afterwards. A stricter default of the database would break that.
  return drizzle({ client: neon(url, { fetchOptions: { perform }, isolationLevel: 'ReadCommitted' }) })
}

/** PostgreSQL undid a whole statement or batch for the sake of another one. */
class RolledBack extends Error {}

/**
 * 400 is an error of PostgreSQL's own, which the driver turns into an exception with its SQLSTATE; some of those, and
 * every other status, say that the database is not there for us now.
 */
function throwIfDown(status: number, body: string): void {
  const sqlState = status === 400 ? (/"code":"([0-9A-Z]{5})"/.exec(body)?.[1] ?? '') : ''
  // 40P01 deadlock_detected, 40001 serialization_failure
  if (sqlState === '40P01' || sqlState === '40001') throw new RolledBack(`postgres answered ${sqlState}`)
  // 57014 query_canceled, 55P03 lock_not_available
  if (sqlState === '57014' || sqlState === '55P03')
    throw new Fault('upstream_timeout', `postgres answered ${sqlState}`)
  // Classes 08 connection, 28 authorization, 3D database name, 53 resources, 57 operator; 42P01 and 42703 are a table or column
  // that is not there yet; 25006 is a write to what became
  // a read replica. Without a SQLSTATE it was Neon that refused, and nothing was asked.
  if (status !== 400 || /^(|08...|28...|3D...|42P01|42703|53...|57...|25006)$/.test(sqlState)) {
    throw new Fault('upstream_unavailable', `postgres answered HTTP ${status} ${sqlState}${meaningOf(body)}`)
  }
}

/** Whether the statement was refused because another row of `table` has that key (SQLSTATE 23505). */
export function isUniqueViolation(error: unknown, table: string): boolean {
  // A single statement's error is wrapped by drizzle, a batch's is not.
  for (const one of [error, error instanceof Error ? error.cause : null]) {
    if (
      one instanceof Error &&
      'code' in one &&
      one.code === '23505' &&
      'table' in one &&
      one.table === table
    )
      return true
  }
  return false
}
