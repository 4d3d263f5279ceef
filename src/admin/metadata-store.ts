/** The SQL of what a product hangs on an account, as administrators and API keys read and write it. */
import { and, eq, isNull, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { changeMetadata, type MetadataChanges } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import { CALLER, callerOf, callerRow } from '../guard/caller-store.ts'
import type { AdminOrKey } from '../guard/demands.ts'
import { isUniqueViolation } from '../storage/postgres.ts'
import { inJson, jsonOf, type Row, rowsOf } from '../storage/rows.ts'
import { tenantHosts, users } from '../storage/schema.ts'

const metadataColumns = {
  id: users.id,
  externalId: users.externalId,
  publicMetadata: users.publicMetadata,
  privateMetadata: users.privateMetadata,
}
export type StoredMetadata = Row<typeof metadataColumns>

/** Of an account of the host's tenant that is not closed. */
export const findMetadata = ({ db, host }: Pick<Context, 'db' | 'host'>, id: string) =>
  db
    .select(metadataColumns)
    .from(users)
    .innerJoin(tenantHosts, and(eq(tenantHosts.tenantId, users.tenantId), eq(tenantHosts.host, host)))
    .where(and(eq(users.id, id), isNull(users.deletedAt)))

const CHANGED = { ...CALLER, found: v.nullable(inJson(metadataColumns)) }

export async function updateMetadata(
  ctx: Pick<Context, 'db' | 'host'> & Recorder,
  caller: AdminOrKey,
  id: string,
  changes: MetadataChanges,
): Promise<Row<typeof CHANGED> | 'external_id_taken'> {
  const happened = sql`select tenant_id, id as subject,
    jsonb_build_object('fields', ${JSON.stringify(Object.keys(changes).toSorted())}::jsonb) as data from changed`
  try {
    const [row] = await rowsOf(
      ctx.db,
      CHANGED,
    )(sql`
      with ${callerOf(caller, ctx.host)},
      changed as (${changeMetadata(changes, id)}),
      recorded as (${recordEvent(ctx, 'user.updated', happened, { actor: sql`${caller.userId}::uuid` })})
      select ${callerRow}, ${jsonOf(metadataColumns, sql`changed`)} as found`)
    return row ?? { caller: null, found: null }
  } catch (error) {
    if (isUniqueViolation(error, 'users')) return 'external_id_taken'
    throw error
  }
}
