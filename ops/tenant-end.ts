/**
 * The end of a tenant: it answers nowhere at once, waits, and then every row of it is deleted, in both databases. What is
 * deleted is found in the catalogue of the database, so that a new table needs no line here.
 */
import { type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { Database } from '../src/storage/postgres.ts'
import { rowsOf } from '../src/storage/rows.ts'
import { closeTenant, deleteClosedTenant, reopenTenant } from '../src/tenants/tenant-store.ts'
import { confirm } from './confirm.ts'
import type { OperatorContext, Output } from './context.ts'

/** For how long a tenant that was deleted can be had back. */
export const WAIT_DAYS = 30
const ROWS_AT_ONCE = 10_000

type Ending = { id: string; slug: string; hosts: readonly string[]; closedAt: Date | null }

export async function closeCommand(ctx: OperatorContext, tenant: Ending, isConfirmed: boolean, out: Output) {
  const { id, slug, hosts } = tenant
  await confirm(
    `${slug} stops answering at ${hosts.join(' and ') || 'any host'}; no one can sign in.`,
    isConfirmed,
  )
  if (!(await closeTenant(ctx, id))) throw new Error(`${slug} is already deleted`)
  out.error(`${slug} is closed. Its data is kept; within ${WAIT_DAYS} days you can have it back:`)
  out.error(`  npm run tenants -- restore ${slug} ${hosts.join(' ') || '<host>'}`)
  out.error(`After that: npm run tenants -- erase ${slug}`)
}

export async function restoreCommand(ctx: OperatorContext, { id, slug }: Ending, out: Output): Promise<void> {
  if (!(await reopenTenant(ctx, id))) throw new Error(`${slug} is not deleted`)
  out.error(`${slug} is open again`)
}

/** @param now also before the time is over */
export async function eraseCommand(
  ctx: OperatorContext,
  { id, slug, closedAt }: Ending,
  { now, isConfirmed }: { now: boolean; isConfirmed: boolean },
  out: Output,
): Promise<void> {
  if (closedAt === null) throw new Error(`${slug} is open; first: npm run tenants -- delete ${slug}`)
  const due = new Date(closedAt.getTime() + WAIT_DAYS * 86_400_000)
  if (!now && due > ctx.now())
    throw new Error(`${slug} is kept until ${due.toISOString().slice(0, 10)}; add --now to erase it before`)
  await confirm(`Every account of ${slug}, its audit log and its settings are deleted for good.`, isConfirmed)
  // The log is deleted first: what is left of an erasure that was cut off can then be erased by running it again.
  const audit = await deleteRows(ctx.auditDb, id)
  const main = await deleteRows(ctx.db, id)
  if (!(await deleteClosedTenant(ctx, id))) throw new Error(`${slug} was opened again meanwhile`)
  out.error(`${slug} is erased: ${audit + main} rows`)
}

/** A table of the schema that has rows of tenants, and the tables that must go before its own rows can. */
const TABLE = { name: v.string(), before: v.array(v.string()) }

async function deleteRows(db: Database, tenantId: string): Promise<number> {
  let deleted = 0
  for (const table of inOrder(await rowsOf(db, TABLE)(TABLES))) {
    for (;;) {
      const name = sql.identifier(table)
      const { rowCount } = await db.execute(sql`
        delete from ${name} where (tableoid, ctid) in (
          select tableoid, ctid from ${name} where tenant_id = ${tenantId} limit ${ROWS_AT_ONCE})
          and tenant_id = ${tenantId}`)
      deleted += rowCount ?? 0
      if ((rowCount ?? 0) < ROWS_AT_ONCE) break
    }
  }
  return deleted
}

/** Months of the audit log are parts of one table. */
const TABLES: SQL = sql`
  select tables.relname as name, coalesce((
    select json_agg(distinct referring.relname) from pg_constraint join pg_class as referring on referring.oid = conrelid
    where contype = 'f' and confrelid = tables.oid and conrelid <> tables.oid), '[]') as before
  from pg_class as tables join pg_attribute on attrelid = tables.oid and attname = 'tenant_id' and not attisdropped
  where tables.relnamespace = 'public'::regnamespace and tables.relkind in ('r', 'p') and not tables.relispartition
  order by tables.relname`

/** Those that refer to others first. */
function inOrder(tables: { name: string; before: string[] }[]): string[] {
  const order: string[] = []
  const add = ({ name, before }: { name: string; before: string[] }) => {
    if (order.includes(name)) return
    for (const other of tables) if (before.includes(other.name)) add(other)
    order.push(name)
  }
  for (const table of tables) add(table)
  return order
}
