/** What a status list is made of. */
import { eq, sql } from 'drizzle-orm'
import type { Context } from '../context.ts'
import { sealedKeyColumns } from '../keys/store.ts'
import { signingKeys, tenantHosts, tenants } from '../storage/schema.ts'
import { LIST_SIZE, NAMED_SECONDS } from './status-list.ts'

/**
 * The host's issuer, the key that signs, and which sessions of the list ended lately: by the index of what ended, so that it
 * costs the same however many sessions there are. Undefined for an unknown host.
 */
export async function findEnded({ db, host }: Pick<Context, 'db' | 'host'>, list: number) {
  const first = sql`${list * LIST_SIZE}::bigint`
  const [row] = await db
    .select({
      issuer: tenants.issuer,
      key: sealedKeyColumns,
      // The second, rounded down: a list is never said to be newer than it is.
      at: sql`floor(extract(epoch from now()))`.mapWith(Number),
      exists: sql`(select last_value from session_status) >= ${first}`.mapWith(Boolean),
      ended: sql<number[]>`(
        select coalesce(json_agg(status_index - ${first}), '[]') from sessions
        where tenant_id = ${tenants.id} and revoked_at > now() - make_interval(secs => ${NAMED_SECONDS})
          and status_index >= ${first} and status_index < ${first} + ${LIST_SIZE}::int)`,
    })
    .from(tenantHosts)
    .innerJoin(tenants, eq(tenants.id, tenantHosts.tenantId))
    .leftJoin(signingKeys, eq(signingKeys.state, 'current'))
    .where(eq(tenantHosts.host, host))
  return row
}
