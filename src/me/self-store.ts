/** The SQL of what people change about themselves. */
import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { Self } from '../accounts/accounts.ts'
import { changeProfile, type ProfileChanges, selfColumns } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import { CALLER, callerOf, callerRow } from '../guard/caller-store.ts'
import type { Caller, CallerRow } from '../guard/demands.ts'
import { inJson, jsonOf, rowsOf } from '../storage/rows.ts'

/**
 * Changes the caller's account in one statement.
 * @returns the caller, for `refuseUnless`, and the account as it is now
 */
export async function updateCaller(
  ctx: Pick<Context, 'db' | 'host'> & Recorder,
  caller: Caller,
  changes: ProfileChanges,
): Promise<{ caller: CallerRow; self: Self | null }> {
  const happened = sql`select tenant_id, id as subject,
    jsonb_build_object('fields', ${JSON.stringify(Object.keys(changes))}::jsonb) as data from updated`
  const [row] = await rowsOf(ctx.db, { ...CALLER, self: v.nullable(inJson(selfColumns)) })(sql`
    with ${callerOf(caller, ctx.host)},
    updated as (${changeProfile(changes)}),
    recorded as (${recordEvent(ctx, 'user.updated', happened)})
    select ${callerRow}, ${jsonOf(selfColumns, sql`updated`)} as self`)
  return row ?? { caller: null, self: null }
}
