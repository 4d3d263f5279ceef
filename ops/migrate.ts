/**
 * `DATABASE_URL=… npm run migrate` — brings a database to the current schema over Neon's HTTP endpoint.
 * Each migration is one transaction together with the row that records it, so it is applied wholly or not at all.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { sql } from 'drizzle-orm'
import type { Database } from '../src/storage/postgres.ts'
import { createOperatorContext, run } from './context.ts'

const FOLDER = new URL('../migrations/', import.meta.url)

/** @returns the names of the migrations applied now, in order */
export async function migrate(db: Database): Promise<string[]> {
  await db.execute(sql`create table if not exists schema_migrations (
    name text primary key, sha256 text not null, applied_at timestamptz not null default now())`)
  const { rows } = await db.execute<{ name: string; sha256: string }>(
    sql`select name, sha256 from schema_migrations`,
  )
  const applied = new Map(rows.map(({ name, sha256 }) => [name, sha256]))
  const pending = []
  for (const migration of await readMigrations()) {
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

async function readMigrations() {
  // Written by drizzle-kit, in the order in which they apply.
  const journal: { entries: { tag: string }[] } = JSON.parse(
    await readFile(new URL('meta/_journal.json', FOLDER), 'utf8'),
  )
  return Promise.all(
    journal.entries.map(async ({ tag }) => {
      const text = await readFile(new URL(`${tag}.sql`, FOLDER), 'utf8')
      const sha256 = createHash('sha256').update(text).digest('hex')
      return { name: tag, sha256, statements: text.split('--> statement-breakpoint') }
    }),
  )
}

if (import.meta.main) {
  await run(async () => {
    const { db } = createOperatorContext(process.env, ['DATABASE_URL'])
    const names = await migrate(db)
    console.log(names.length === 0 ? 'nothing to migrate' : `migrated: ${names.join(', ')}`)
  })
}
