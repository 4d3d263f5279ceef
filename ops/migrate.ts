/**
 * `DATABASE_URL=… [AUDIT_DATABASE_URL=…] npm run migrate` — brings the databases to the current schema over Neon's HTTP
 * endpoint, while requests are served.
 * A migration is one transaction together with the row that records it, so it is applied wholly or not at all. It waits
 * only briefly for a lock: whatever a waiting ALTER TABLE asks for, every later request to that table waits behind it.
 * A migration of `create index concurrently` runs outside a transaction (ops/migrate-indexes.ts), because a big table
 * must stay writable meanwhile.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { faultOf } from '../src/problem.ts'
import type { Database } from '../src/storage/postgres.ts'
import { isSameDatabase, MOVED, refuseMoved } from './audit-place.ts'
import { createOperatorContext, type OperatorContext, run } from './context.ts'
import { makeIndexes, readIndexStatements } from './migrate-indexes.ts'

const FOLDER = new URL('../migrations/', import.meta.url)

/** How long a request can be held up by a migration that waits for a lock, and how often that is tried. */
const LOCK_TIMEOUT_MS = 300
const TRIES = 60
const LONGEST_PAUSE_MS = 10_000

/** An index on a large table takes minutes; the endpoint may end the call earlier, and the next run goes on. */
const DEADLINES = { postgres: 3600_000, redis: 10_000, request: 6 * 3600_000 }

/**
 * Brings the main database and the audit log's, which may be the same one, to the current schema.
 * @returns the names of the migrations applied now, in order
 */
export async function migrateAll({
  db,
  auditDb,
}: Pick<OperatorContext, 'db' | 'auditDb'>): Promise<string[]> {
  for (const one of [db, auditDb]) await makeRecords(one)
  const audit = await readAuditMigrations()
  if (await isSameDatabase(db, auditDb)) {
    await refuseMoved(db)
    return migrate(db, [...(await readMigrations()), ...audit])
  }
  return [
    ...(await migrate(db, await readMigrations())),
    ...(await migrate(auditDb, audit)),
    ...(await migrate(db, [await readMigration(MOVED)])),
  ]
}

/** @returns the names of the migrations that the databases have not had; writes nothing */
export async function findPending({
  db,
  auditDb,
}: Pick<OperatorContext, 'db' | 'auditDb'>): Promise<string[]> {
  const audit = await readAuditMigrations()
  const main = await findApplied(db)
  // A main database whose audit log has moved is marked; else both are one.
  const log = main.has(MOVED) ? await findApplied(auditDb) : main
  const unapplied = (migrations: readonly Migration[], applied: Map<string, string>) =>
    migrations.filter(({ name }) => !applied.has(name)).map(({ name }) => name)
  return [...unapplied(await readMigrations(), main), ...unapplied(audit, log)]
}

async function findApplied(db: Database): Promise<Map<string, string>> {
  const { rows } = await db.execute(sql`select to_regclass('schema_migrations') as found`)
  return rows[0]?.found ? readApplied(db) : new Map()
}

export type Migration = { name: string; sha256: string; statements: string[] }

/**
 * Applies what the database has not had yet. May be cut off anywhere and run again, and beside another run.
 * @param say what an operator who waits is told
 */
export async function migrate(
  db: Database,
  migrations: readonly Migration[],
  say: (line: string) => void = console.log,
): Promise<string[]> {
  await makeRecords(db)
  const applied = await readApplied(db)
  const pending = migrations.filter(({ name, sha256 }) => {
    const recorded = applied.get(name)
    if (recorded !== undefined && recorded !== sha256)
      throw new Error(`migration ${name} was changed after it was applied`)
    return recorded === undefined
  })
  for (const migration of pending) {
    const indexes = readIndexStatements(migration)
    if (indexes) {
      await makeIndexes(db, indexes, say)
      await db.execute(sql`${recordOf(migration)} on conflict do nothing`)
    } else await applyInTransaction(db, migration, say)
  }
  return pending.map(({ name }) => name)
}

const makeRecords = (db: Database) =>
  db.execute(sql`create table if not exists schema_migrations (
    name text primary key, sha256 text not null, applied_at timestamptz not null default now())`)

async function readApplied(db: Database): Promise<Map<string, string>> {
  const { rows } = await db.execute<{ name: string; sha256: string }>(
    sql`select name, sha256 from schema_migrations`,
  )
  return new Map(rows.map(({ name, sha256 }) => [name, sha256]))
}

const recordOf = ({ name, sha256 }: Migration) =>
  sql`insert into schema_migrations (name, sha256) values (${name}, ${sha256})`

async function applyInTransaction(
  db: Database,
  migration: Migration,
  say: (line: string) => void,
): Promise<void> {
  for (let tried = 1; ; tried++) {
    try {
      // The row goes first: two runs at once then collide on its key, and the later one rolls back whole.
      await db.batch([
        db.execute(sql.raw(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`)),
        db.execute(recordOf(migration)),
        ...migration.statements.map((statement) => db.execute(sql.raw(statement))),
      ])
      return
    } catch (error) {
      if ((await readApplied(db)).get(migration.name) === migration.sha256) return // another run has applied it
      if (tried === TRIES || !isLockedOut(error)) throw error
      if (tried === 1) say(`${migration.name} waits for a lock; requests go first`)
      await delay(Math.min(250 * 2 ** (tried - 1), LONGEST_PAUSE_MS))
    }
  }
}

/** Another transaction holds what it needs: nothing was changed, so it may be tried again. */
function isLockedOut(error: unknown): boolean {
  return /\b(55P03|40P01)\b/.test(faultOf(error).message)
}

async function readMigrations(): Promise<Migration[]> {
  // Written by drizzle-kit, in the order in which they apply.
  const journal: { entries: { tag: string }[] } = JSON.parse(
    await readFile(new URL('meta/_journal.json', FOLDER), 'utf8'),
  )
  return Promise.all(journal.entries.map(({ tag }) => readMigration(tag)))
}

/** Written by hand, because drizzle-kit knows no partitions. */
async function readAuditMigrations(): Promise<Migration[]> {
  const files = (await readdir(new URL('audit/', FOLDER))).filter((file) => file.endsWith('.sql')).toSorted()
  return Promise.all(files.map((file) => readMigration(`audit/${file.slice(0, -4)}`)))
}

const readMigration = async (name: string) =>
  parseMigration(name, await readFile(new URL(`${name}.sql`, FOLDER), 'utf8'))

/** @param text SQL as drizzle-kit writes it, with `--> statement-breakpoint` between statements */
export function parseMigration(name: string, text: string): Migration {
  const sha256 = createHash('sha256').update(text).digest('hex')
  return { name, sha256, statements: text.split('--> statement-breakpoint') }
}

if (import.meta.main) {
  await run(async () => {
    const names = await migrateAll(createOperatorContext(process.env, ['DATABASE_URL'], DEADLINES))
    console.log(names.length === 0 ? 'nothing to migrate' : `migrated: ${names.join(', ')}`)
  })
}
