/** The SQL that says who calls: for reads by what a token claims, for writes inside the statement that does them. */
import { and, eq, type Placeholder, type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { selfColumns, userIsActive } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import type { KeyedWorker, RingState } from '../keys/auth-keys.ts'
import { ringState } from '../keys/auth-keys-store.ts'
import { keyIsValid, publicKeyColumns } from '../keys/store.ts'
import type { Database } from '../storage/postgres.ts'
import { prepared } from '../storage/prepared.ts'
import { sessions, signingKeys, tenantHosts, tenants, users } from '../storage/schema.ts'
import { tenantColumns } from '../tenants/store.ts'
import {
  ADMIN,
  BESIDES_PASSKEY,
  type Caller,
  type CallerRow,
  type Demands,
  type KeyCaller,
} from './demands.ts'
import { keyAsking } from './key-store.ts'
import { sessionIsLive } from './live-store.ts'
import { isPermission, permissionsNow } from './permission-store.ts'

const CALLER_ROW = v.object({
  authAgeSeconds: v.number(),
  aal: v.number(),
  owedAal: v.number(),
  amr: v.array(v.string()),
  roles: v.array(v.string()),
  isImpersonated: v.boolean(),
  permissions: v.array(v.string()),
  mayGrant: v.optional(v.boolean(), true),
})

export const readCallerRow = (value: unknown) => v.parse(CALLER_ROW, value)

/**
 * Over `sessions`, `users` and `tenants`. A second factor is owed where the account had one before the session began: one that the
 * session itself added proves nothing about who holds the session.
 */
export const sessionNow = sql`jsonb_build_object('authAgeSeconds', extract(epoch from clock_timestamp() - sessions.auth_time),
  'aal', sessions.aal, 'owedAal', case when users.second_factor_since < sessions.created_at then 2 else 1 end,
  'amr', sessions.amr, 'roles', users.roles, 'isImpersonated', sessions.impersonator_id is not null,
  'permissions', ${permissionsNow})`

/** Everything that deciding on an access token needs, by what the token claims; nothing here is proof by itself. */
export function findCaller(
  ctx: Pick<Context, 'db' | 'host' | 'settings'>,
  claimed: { kid: string; sid: string },
  worker: KeyedWorker | null,
) {
  const asked = { ...claimed, host: ctx.host }
  return worker ? selectCaller(ctx.db, asked, ringState(ctx, worker)) : selectAnyCaller(ctx.db, asked)
}

const selectCaller = (
  db: Pick<Database, 'select'>,
  { kid, sid, host }: Record<'kid' | 'sid' | 'host', string | Placeholder>,
  ring: SQL<RingState | null>,
) =>
  db
    .select({
      tenant: tenantColumns,
      key: publicKeyColumns,
      user: selfColumns,
      caller: sql<CallerRow>`case when users.id is not null then ${sessionNow} end`.mapWith(readCallerRow),
      ring,
    })
    .from(tenantHosts)
    .innerJoin(tenants, eq(tenants.id, tenantHosts.tenantId))
    .leftJoin(signingKeys, keyIsValid(kid))
    .leftJoin(sessions, and(eq(sessions.id, sid), eq(sessions.tenantId, tenants.id), sessionIsLive))
    .leftJoin(users, and(eq(users.id, sessions.userId), userIsActive))
    .where(eq(tenantHosts.host, host))

const selectAnyCaller = prepared<
  Record<'kid' | 'sid' | 'host', string>,
  Awaited<ReturnType<typeof selectCaller>>
>((db) =>
  selectCaller(
    db,
    { kid: sql.placeholder('kid'), sid: sql.placeholder('sid'), host: sql.placeholder('host') },
    sql<null>`null`,
  ),
)

/**
 * Members of a `with` of a writing statement: the caller's session, if the key still counts, the session is live and the
 * account active (`calling`), or their API key, which has no `session_id` and, where it is the tenant's, no `user_id`; and the same if it meets what is demanded (`caller`: `session_id`, `user_id`, `tenant_id`),
 * which every effect must join. End the statement with `select ${callerRow}` and hand its row to `refuseUnless`.
 */
export const callerOf = (caller: Caller | KeyCaller, host: string): SQL => sql`
  identified as (${'keyId' in caller ? keyAsking(caller, host) : sessionAsking(caller, host)}),
  calling as (
    select session_id, user_id, tenant_id, declared_roles,
      state || jsonb_build_object('mayGrant', (${mayGrant(caller.demands)})) as state
    from identified),
  caller as (select session_id, user_id, tenant_id from calling where ${meets(caller.demands)})`

const sessionAsking = ({ sessionId, userId, kid }: Caller, host: string): SQL => sql`
    select sessions.id as session_id, sessions.user_id, sessions.tenant_id, tenants.settings -> 'roles' as declared_roles,
      ${sessionNow} as state
    from sessions
    join users on users.id = sessions.user_id and ${userIsActive}
    join tenant_hosts on tenant_hosts.tenant_id = sessions.tenant_id and tenant_hosts.host = ${host}
    join tenants on tenants.id = sessions.tenant_id
    join signing_keys on ${keyIsValid(kid)}
    where sessions.id = ${sessionId} and sessions.user_id = ${userId} and ${sessionIsLive}`

/**
 * Over `calling`: whether the caller has all that these roles allow, `admin` everything. So no one gives what they lack, and
 * an account that may do more is out of their reach.
 * @param roles an expression of `text[]`
 */
export const callerCovers = (roles: SQL): SQL => sql`(
  state -> 'roles' ? ${ADMIN} or coalesce((state -> 'isOfAdmin')::boolean, false)
  or not exists (select from unnest(${roles}) as given
    where given = ${ADMIN} or jsonb_typeof(declared_roles -> given) is distinct from 'array'
      or not state -> 'permissions' @> (declared_roles -> given)))`

/** Over `identified`. */
const mayGrant = ({ grants = [], scopes = [], over }: Demands): SQL =>
  sql.join(
    [
      sql`true`,
      ...(over === undefined
        ? []
        : [
            sql`not exists (select from users as target where target.id = ${over} and target.tenant_id = identified.tenant_id
              and not ${callerCovers(sql`target.roles`)})`,
          ]),
      ...(grants.length === 0 ? [] : [callerCovers(texts(grants))]),
      ...(scopes.length === 0
        ? []
        : [
            sql`(state -> 'roles' ? ${ADMIN} or not exists (select from unnest(${texts(scopes)}) as scope
              where ${isPermission(sql`scope`, sql`declared_roles`)} and not state -> 'permissions' ? scope))`,
          ]),
    ],
    sql` and `,
  )

const texts = (list: readonly string[]): SQL => sql`${sql.param([...list], users.roles)}::text[]`

/** Over `calling`: the conditions of `refuseUnless`. */
const meets = ({ maxAge, aal, role, permission, oneFactor, besidesPasskey, impersonated }: Demands): SQL =>
  sql.join(
    [
      sql`(state ->> 'mayGrant')::boolean`,
      ...(impersonated === 'allowed' ? [] : [sql`not (state -> 'isImpersonated')::boolean`]),
      ...(maxAge === undefined
        ? []
        : [
            sql`(state ->> 'authAgeSeconds')::numeric <= ${maxAge} and (state ->> 'aal')::int >= (state ->> 'owedAal')::int`,
          ]),
      ...(oneFactor ? [sql`(state ->> 'owedAal')::int = 1`] : []),
      ...(besidesPasskey ? [sql`state -> 'amr' ?| ${sql.param(BESIDES_PASSKEY, sessions.amr)}::text[]`] : []),
      ...(aal === undefined ? [] : [sql`(state ->> 'aal')::int >= ${aal}`]),
      ...(role === undefined ? [] : [sql`state -> 'roles' ? ${role}`]),
      ...(permission === undefined
        ? []
        : [sql`(state -> 'roles' ? ${ADMIN} or state -> 'permissions' ? ${permission})`]),
    ],
    sql` and `,
  )

/** The column `caller` of a statement with `callerOf`, and how its row is read: `rowsOf(db, { ...CALLER, … })`. */
export const callerRow = sql`(select state from calling) as caller`
export const CALLER = { caller: v.nullable(CALLER_ROW) }
