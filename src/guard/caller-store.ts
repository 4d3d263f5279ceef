/** The SQL that says who calls: for reads by what a token claims, for writes inside the statement that does them. */
import { and, eq, type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { selfColumns, userIsActive } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import type { KeyedWorker } from '../keys/auth-keys.ts'
import { ringState } from '../keys/auth-keys-store.ts'
import { keyIsValid, publicKeyColumns } from '../keys/store.ts'
import { sessions, signingKeys, tenantHosts, tenants, users } from '../storage/schema.ts'
import { tenantColumns } from '../tenants/store.ts'
import type { Caller, CallerRow } from './demands.ts'
import { sessionIsLive } from './live-store.ts'

const CALLER_ROW = v.object({
  authAgeSeconds: v.number(),
  aal: v.number(),
  owedAal: v.number(),
  roles: v.array(v.string()),
})

const readCallerRow = (value: unknown) => v.parse(CALLER_ROW, value)

/**
 * Over `sessions` and `users`. A second factor is owed where the account had one before the session began: one that the
 * session itself added proves nothing about who holds the session.
 */
const sessionNow = sql`jsonb_build_object('authAgeSeconds', extract(epoch from clock_timestamp() - sessions.auth_time),
  'aal', sessions.aal, 'owedAal', case when users.second_factor_since < sessions.created_at then 2 else 1 end,
  'roles', users.roles)`

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
      caller: sql<CallerRow>`case when users.id is not null then ${sessionNow} end`.mapWith(readCallerRow),
      ring: worker ? ringState(ctx, worker) : sql<null>`null`,
    })
    .from(tenantHosts)
    .innerJoin(tenants, eq(tenants.id, tenantHosts.tenantId))
    .leftJoin(signingKeys, keyIsValid(kid))
    .leftJoin(sessions, and(eq(sessions.id, sid), eq(sessions.tenantId, tenants.id), sessionIsLive))
    .leftJoin(users, and(eq(users.id, sessions.userId), userIsActive))
    .where(eq(tenantHosts.host, ctx.host))
}

/**
 * Members of a `with` of a writing statement: the caller's session, if the key still counts, the session is live and the
 * account active (`calling`); and the same if it meets what is demanded (`caller`: `session_id`, `user_id`, `tenant_id`),
 * which every effect must join. End the statement with `select ${callerRow}` and hand its row to `refuseUnless`.
 */
export const callerOf = (caller: Caller, host: string): SQL => sql`
  calling as (
    select sessions.id as session_id, sessions.user_id, sessions.tenant_id, ${sessionNow} as state
    from sessions
    join users on users.id = sessions.user_id and ${userIsActive}
    join tenant_hosts on tenant_hosts.tenant_id = sessions.tenant_id and tenant_hosts.host = ${host}
    join signing_keys on ${keyIsValid(caller.kid)}
    where sessions.id = ${caller.sessionId} and sessions.user_id = ${caller.userId} and ${sessionIsLive}),
  caller as (select session_id, user_id, tenant_id from calling where ${meets(caller.demands)})`

/** Over `calling`: the conditions of `refuseUnless`. */
const meets = ({ maxAge, aal, role, oneFactor }: Caller['demands']): SQL =>
  sql.join(
    [
      sql`true`,
      ...(maxAge === undefined
        ? []
        : [
            sql`(state ->> 'authAgeSeconds')::numeric <= ${maxAge} and (state ->> 'aal')::int >= (state ->> 'owedAal')::int`,
          ]),
      ...(oneFactor ? [sql`(state ->> 'owedAal')::int = 1`] : []),
      ...(aal === undefined ? [] : [sql`(state ->> 'aal')::int >= ${aal}`]),
      ...(role === undefined ? [] : [sql`state -> 'roles' ? ${role}`]),
    ],
    sql` and `,
  )

/** The column `caller` of a statement with `callerOf`, and how its row is read: `rowsOf(db, { ...CALLER, … })`. */
export const callerRow = sql`(select state from calling) as caller`
export const CALLER = { caller: v.nullable(CALLER_ROW) }
