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

/**
 * Page after page of rows, each read only when the one before was taken.
 * @param readAfter the next rows, at most `PAGE_ROWS`; null for the first
 * @param first the first page, where it has been read already
 */
export async function* pagesOf<Row>(
  readAfter: (last: Row | null) => PromiseLike<Row[]>,
  first?: Row[],
): AsyncGenerator<Row[]> {
  let rows = first ?? (await readAfter(null))
  for (;;) {
    yield rows
    const last = rows.at(-1)
    if (rows.length < PAGE_ROWS || last === undefined) return
    rows = await readAfter(last)
  }
}
