/** The SQL of an administrator who reads and changes the tenant. */
import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import { reasonOf } from '../access/target-store.ts'
import type { Context } from '../context.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import { CALLER, callerOf, callerRow } from '../guard/caller-store.ts'
import type { Admin } from '../guard/demands.ts'
import { inJson, jsonOf, type Row, rowsOf } from '../storage/rows.ts'
import { tenantColumns } from '../tenants/store.ts'
import { changeTenantOf } from '../tenants/tenant-store.ts'

/** All hosts of the tenant of this one. */
export const findHosts = ({ db, host }: Pick<Context, 'db' | 'host'>) =>
  rowsOf(db, { host: v.string() })(sql`
    select host from tenant_hosts
    where tenant_id = (select tenant_id from tenant_hosts as own where own.host = ${host}) order by host`)

const OUTCOME = {
  ...CALLER,
  /** As it is now; null where two of its settings would not go together. */
  tenant: v.nullable(inJson(tenantColumns)),
  hosts: v.array(v.string()),
}

export async function changeTenant(
  ctx: Pick<Context, 'db' | 'host'> & Recorder,
  caller: Admin,
  change: Parameters<typeof changeTenantOf>[1],
  reason: string | undefined,
): Promise<Row<typeof OUTCOME>> {
  const fields = [
    ...(change.name === null ? [] : ['name']),
    ...(change.widget === undefined ? [] : ['turnstile']),
    ...(change.logo === undefined ? [] : ['logo']),
    ...Object.keys(change.settings),
  ]
  const happened = sql`
    select id as tenant_id, null::uuid as subject,
      jsonb_build_object('fields', ${JSON.stringify(fields)}::jsonb) || ${reasonOf(reason)} as data from changed`
  const [row] = await rowsOf(
    ctx.db,
    OUTCOME,
  )(sql`
    with ${callerOf(caller, ctx.host)},
    changed as (${changeTenantOf(sql`caller`, change)}),
    recorded as (${recordEvent(ctx, 'tenant.updated', happened, { actor: sql`${caller.userId}::uuid` })})
    select ${callerRow}, ${jsonOf(tenantColumns, sql`changed`)} as tenant, (
      select coalesce(json_agg(host order by host), '[]') from tenant_hosts
      where tenant_id in (select id from changed)) as hosts`)
  return row ?? { caller: null, tenant: null, hosts: [] }
}
