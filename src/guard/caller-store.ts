/** The SQL that says who calls: for reads by what a token claims, for writes inside the statement that does them. */
import { and, eq, type SQL, sql } from 'drizzle-orm'
import { selfColumns, userIsActive } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import type { KeyedWorker } from '../keys/auth-keys.ts'
import { ringState } from '../keys/auth-keys-store.ts'
import { keyIsValid, publicKeyColumns } from '../keys/store.ts'
import { sessions, signingKeys, tenantHosts, tenants, users } from '../storage/schema.ts'
import { tenantColumns } from '../tenants/store.ts'
import type { Caller } from './caller.ts'
import { sessionIsLive } from './live-store.ts'

/** Everything that deciding on an access token needs, by what the token claims; nothing here is proof by itself. */
export function findCaller(
  ctx: Pick<Context, 'db' | 'host' | 'settings'>,
  { kid, sid }: { kid: string; sid: string },
  worker: KeyedWorker | null,
) {
  return ctx.db
    .select({
      tenant: tenantColumns,
      key: publicKeyColumns,
      user: selfColumns,
      ring: worker ? ringState(ctx, worker) : sql<null>`null`,
    })
    .from(tenantHosts)
    .innerJoin(tenants, eq(tenants.id, tenantHosts.tenantId))
    .leftJoin(signingKeys, keyIsValid(kid))
    .leftJoin(sessions, and(eq(sessions.id, sid), eq(sessions.tenantId, tenants.id), sessionIsLive))
    .leftJoin(users, and(eq(users.id, sessions.userId), userIsActive))
    .where(eq(tenantHosts.host, ctx.host))
}

/** The caller once more, inside a writing statement: the key stands, the session lives and the account is active now. */
export const callerIsLive = (caller: Caller, host: string): SQL => sql`
  select sessions.id as session_id, sessions.user_id, sessions.tenant_id, users.roles
  from sessions
  join users on users.id = sessions.user_id and ${userIsActive}
  join tenant_hosts on tenant_hosts.tenant_id = sessions.tenant_id and tenant_hosts.host = ${host}
  join signing_keys on ${keyIsValid(caller.kid)}
  where sessions.id = ${caller.sessionId} and sessions.user_id = ${caller.userId} and ${sessionIsLive}`

/**
 * The same, if they are an administrator at this moment: members `caller` and `admin` of a `with`. End the statement
 * with `select ${countAdmin}` and hand its row to `refuseUnlessAdmin`.
 */
export const callerIsAdmin = (caller: Caller, host: string): SQL => sql`
  caller as (${callerIsLive(caller, host)}),
  admin as (select * from caller where ${ADMIN} = any(roles))`

export const countAdmin = sql`
  (select count(*)::int from caller) as callers, (select count(*)::int from admin) as admins`

/** The role that administers a tenant. */
export const ADMIN = 'admin'
