/**
 * The SQL of closing one's own account. It locks the user's row first and decides in the next statement, so that what was
 * under way (a sign-in, a reset) is either seen there or waits and finds the account as it is now.
 */
import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import { closing } from '../access/closing-store.ts'
import { isLastAdministrator } from '../accounts/administrators-store.ts'
import type { Context } from '../context.ts'
import type { Recorder } from '../events/outbox.ts'
import { CALLER, callerOf, callerRow } from '../guard/caller-store.ts'
import type { Caller } from '../guard/demands.ts'
import type { NewToken } from '../one-time/one-time.ts'
import { lockUser } from '../one-time/store.ts'
import { type Row, rowsOf } from '../storage/rows.ts'

const OUTCOME = { ...CALLER, isClosed: v.boolean(), isLast: v.boolean() }

/**
 * Closes the caller's account: see `closing`. The last administrator of a tenant stays, so the tenant's row is locked first:
 * of the last two that go at the same time, one comes second.
 * @returns the caller, for `refuseUnless`, whether it was open until now, and whether it is the last administrator
 */
export async function closeAccount(
  ctx: Pick<Context, 'db' | 'host'> & Recorder,
  caller: Caller,
  token: NewToken,
): Promise<Row<typeof OUTCOME>> {
  const close = rowsOf(
    ctx.db,
    OUTCOME,
  )(sql`
    with ${callerOf(caller, ctx.host)},
    own as (
      select users.id as user_id, users.tenant_id, null::uuid as id, ${isLastAdministrator} as is_last
      from users join caller on caller.user_id = users.id
      where users.tenant_id = caller.tenant_id and users.deleted_at is null),
    closing as (select user_id, tenant_id, id from own where not is_last),
    ${closing(ctx, token)}
    select ${callerRow}, exists (select from closed) as is_closed, exists (select from own where is_last) as is_last`)
  const lockTenant = ctx.db.execute(sql`
    with ${callerOf(caller, ctx.host)}
    select tenants.id from tenants join caller on caller.tenant_id = tenants.id for no key update of tenants`)
  const [, , [row]] = await ctx.db.batch([lockTenant, lockUser(ctx, caller.userId), close])
  return row ?? { caller: null, isClosed: false, isLast: false }
}
