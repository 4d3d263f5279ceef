/** The SQL of an import by an administrator: the same statement, decided together with who they are. */
import { sql } from 'drizzle-orm'
import type { Context } from '../context.ts'
import { clientOf, type Recorder } from '../events/outbox.ts'
import type { Caller } from '../guard/caller.ts'
import { callerIsAdmin, countAdmin } from '../guard/caller-store.ts'
import { createdIds, insertMembers } from './import-store.ts'
import type { NewImport } from './import-users.ts'

type Inserted = { callers: number; admins: number; created: string[] }

/** Inserts nothing unless the caller is one at this moment (`refuseUnlessAdmin`). */
export async function insertImportsAsAdmin(
  ctx: Pick<Context, 'db' | 'host'> & Recorder,
  caller: Caller,
  imports: NewImport[],
): Promise<Inserted> {
  const { rows } = await ctx.db.execute<Inserted>(sql`
    with ${callerIsAdmin(caller, ctx.host)},
    ${insertMembers(imports, sql`admin`, sql`${caller.userId}::uuid`, JSON.stringify(clientOf(ctx)))}
    select ${countAdmin}, ${createdIds}`)
  const inserted = rows[0] ?? { callers: 0, admins: 0, created: [] }
  const created = new Set(inserted.created)
  ctx.happened.recorded.push(...imports.flatMap(({ id, eventId }) => (created.has(id) ? [eventId] : [])))
  return inserted
}
