/**
 * Neon Postgres over HTTP: one client per request, one POST per query or batch, each with a deadline and counted.
 * There is no pool to exhaust and no session to leave open (FINDINGS F01, F07, F15). Errors leave here mapped,
 * because the driver's own texts carry parameters and connection strings.
 */
import { neon, neonConfig } from '@neondatabase/serverless'
import { drizzle, type NeonHttpDatabase } from 'drizzle-orm/neon-http'
import { Fault } from '../problem.ts'
import { isLoopback } from '../settings.ts'
import { type Trips, upstreamFault } from './trips.ts'

export type Database = NeonHttpDatabase<Record<string, never>>

type Perform = (url: string, init: RequestInit) => Promise<Response>

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
  const perform: Perform = async (endpoint, init) => {
    const call = trips.begin('postgres')
    try {
      const response = await fetch(endpoint, { ...init, redirect: 'manual', signal: call.signal })
      // 400 is an error of PostgreSQL's own, which the driver turns into its SQLSTATE; the rest is the service's.
      if (response.status !== 200 && response.status !== 400) {
        throw new Fault('upstream_unavailable', `postgres answered HTTP ${response.status}`)
      }
      return new Response(await response.arrayBuffer(), { status: response.status })
    } catch (error) {
      throw error instanceof Fault ? error : upstreamFault('postgres', error)
    } finally {
      call.end()
    }
  }
  return drizzle({ client: neon(url, { fetchOptions: { perform } }) })
}

/** Finds the SQLSTATE in what drizzle (single query: wrapped) or neon (batch: bare) threw. */
export function sqlState(error: unknown): string | undefined {
  let cause: unknown = error
  for (let depth = 0; depth < 3 && cause instanceof Error; depth++) {
    if ('code' in cause && typeof cause.code === 'string' && /^[0-9A-Z]{5}$/.test(cause.code))
      return cause.code
    cause = cause.cause
  }
  return undefined
}
