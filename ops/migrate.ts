/**
 * `DATABASE_URL=… [AUDIT_DATABASE_URL=…] npm run migrate` — brings the databases to the current schema over Neon's HTTP
 * endpoint.
 * Each migration is one transaction together with the row that records it, so it is applied wholly or not at all.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { sql } from 'drizzle-orm'
import type { Database } from '../src/storage/postgres.ts'
import { createOperatorContext, type OperatorContext, run } from './context.ts'

const FOLDER = new URL('../migrations/', import.meta.url)

/**
 * Brings the main database and the audit log's, which may be the same one, to the current schema.
 * @returns the names of the migrations applied now, in order
 */
export async function migrateAll({
  db,
  auditDb,
}: Pick<OperatorContext, 'db' | 'auditDb'>): Promise<string[]> {
  return [
    ...(await migrate(db, await readMigrations())),
    ...(await migrate(auditDb, await readAuditMigrations())),
  ]
}

type Migration = { name: string; sha256: string; statements: string[] }

async function migrate(db: Database, migrations: Migration[]): Promise<string[]> {
  await db.execute(sql`create table if not exists schema_migrations (
    name text primary key, sha256 text not null, applied_at timestamptz not null default now())`)
  const { rows } = await db.execute<{ name: string; sha256: string }>(
    sql`select name, sha256 from schema_migrations`,
  )
  const applied = new Map(rows.map(({ name, sha256 }) => [name, sha256]))
  const pending = []
  for (const migration of migrations) {
    const recorded = applied.get(migration.name)
    if (recorded === undefined) pending.push(migration)
    else if (recorded !== migration.sha256)
      throw new Error(`migration ${migration.name} was changed after it was applied`)
  }
  for (const { name, sha256, statements } of pending) {
    // The row goes first: two migrations at once then collide on its key, and the later one rolls back whole.
    const record = db.execute(sql`insert into schema_migrations (name, sha256) values (${name}, ${sha256})`)
    await db.batch([record, ...statements.map((statement) => db.execute(sql.raw(statement)))])
  }
  return pending.map(({ name }) => name)
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

async function readMigration(name: string): Promise<Migration> {
  const text = await readFile(new URL(`${name}.sql`, FOLDER), 'utf8')
  const sha256 = createHash('sha256').update(text).digest('hex')
  return { name, sha256, statements: text.split('--> statement-breakpoint') }
}

if (import.meta.main) {
  await run(async () => {
    const names = await migrateAll(createOperatorContext(process.env, ['DATABASE_URL']))
    console.log(names.length === 0 ? 'nothing to migrate' : `migrated: ${names.join(', ')}`)
  })
}
