/** The databases for an answer that is read page by page as its caller takes it: a page has a deadline, and so has the whole. */
import type { Settings } from '../settings.ts'
import { createDatabase, type Database } from './postgres.ts'
import { createTrips } from './trips.ts'

/** A caller who reads slowly is served for so long. */
const LONGEST_MS = 15 * 60_000

/** Rows in memory at a time. */
export const PAGE_ROWS = 500

/** In place of the request's own, whose deadlines are those of an answer. */
export function lastingDatabases({ jobPostgresTimeoutMs, databaseUrl, auditDatabaseUrl }: Settings): {
  db: Database
  auditDb: Database
} {
  const trips = createTrips({
    postgres: jobPostgresTimeoutMs,
    redis: jobPostgresTimeoutMs,
    request: LONGEST_MS,
  })
  return { db: createDatabase(databaseUrl, trips), auditDb: createDatabase(auditDatabaseUrl, trips) }
}
