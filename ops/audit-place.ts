/**
 * Where the audit log lives. Once it has a database of its own, the main one is marked: a Worker or a command that was not
 * told would otherwise split the log in two, and each half would look intact.
 */
import { randomUUID } from 'node:crypto'
import { sql } from 'drizzle-orm'
import type { Database } from '../src/storage/postgres.ts'

/** The migration of a main database without an audit log, and so the mark. */
export const MOVED = 'audit-moved'

/** Whether both lead to the same database: one that has two addresses (a pooler's, a proxy's) is one. */
export async function isSameDatabase(db: Database, other: Database): Promise<boolean> {
  const name = `looked for by ${randomUUID()}`
  await db.execute(sql`insert into schema_migrations (name, sha256) values (${name}, '')`)
  try {
    const { rows } = await other.execute(sql`select from schema_migrations where name = ${name}`)
    return rows.length > 0
  } finally {
    await db.execute(sql`delete from schema_migrations where name = ${name}`)
  }
}

/** @throws when this database was told before that its audit log is elsewhere */
export async function refuseMoved(db: Database): Promise<void> {
  const { rows } = await db.execute(sql`select from schema_migrations where name = ${MOVED}`)
  if (rows.length > 0)
    throw new Error(
      'the audit log of this deployment has its own database, but AUDIT_DATABASE_URL is missing or names the main one; nothing was migrated',
    )
}
