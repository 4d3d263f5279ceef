/**
 * The SQL of acting as another person: an administrator gets a session of the account, which is marked with who acts, has no
 * refresh token, and dies with its access token. The guard refuses it whatever it was not expressly allowed.
 */
import { and, eq, type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { userColumns, userIsActive } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import { newId, type Recorder, recordEvent } from '../events/outbox.ts'
import { CALLER, callerOf, callerRow } from '../guard/caller-store.ts'
import { ADMIN, type Admin, type CallerRow } from '../guard/demands.ts'
import { ringState } from '../keys/auth-keys-store.ts'
import { sealedKeyColumns } from '../keys/store.ts'
import { rowsOf, Time } from '../storage/rows.ts'
import { signingKeys, tenantHosts, users } from '../storage/schema.ts'

/** Over `users`: whose name may be borrowed. No administrator's: an administrator would act under the name of another. */
const mayBeActedFor = and(userIsActive, sql`not ${ADMIN} = any(users.roles)`)

/** The key that will sign, and the account, where the host's tenant has one of that id that is open. */
export const findToImpersonate = (ctx: Pick<Context, 'db' | 'host' | 'settings'>, userId: string) =>
  ctx.db
    .select({
      key: sealedKeyColumns,
      ring: ringState(ctx, 'session'),
      user: userColumns,
      mayBe: sql<boolean>`coalesce(${mayBeActedFor}, false)`,
    })
    .from(tenantHosts)
    .leftJoin(signingKeys, eq(signingKeys.state, 'current'))
    .leftJoin(
      users,
      and(eq(users.id, userId), eq(users.tenantId, tenantHosts.tenantId), sql`users.email is not null`),
    )
    .where(eq(tenantHosts.host, ctx.host))

const BEGUN = v.object({
  id: v.string(),
  startedAt: Time,
  expiresAt: Time,
  statusIndex: v.number(),
})
export type BegunImpersonation = v.InferOutput<typeof BEGUN>

export type Impersonation = { userId: string; reason: string; seconds: number }

/** Where the tenant allows it, the caller is an administrator and the account may be acted for, as the rows say it now. */
export async function beginImpersonation(
  ctx: Pick<Context, 'db' | 'host'> & Recorder,
  caller: Admin,
  { userId, reason, seconds }: Impersonation,
): Promise<{ caller: CallerRow; begun: BegunImpersonation | null }> {
  const happened: SQL = sql`
    select tenant_id, user_id as subject, jsonb_build_object('session_id', id, 'reason', ${reason}::text) as data from begun`
  // Nothing of the administrator's device or place: the list of sessions is the person's.
  const begin = rowsOf(ctx.db, { ...CALLER, begun: v.nullable(BEGUN) })(sql`
    with ${callerOf(caller, ctx.host)},
    begun as (
      insert into sessions (id, tenant_id, user_id, impersonator_id, created_at, auth_time, expires_at, idle_expires_at, amr, aal)
      select ${newId(ctx)}::uuid, users.tenant_id, users.id, caller.user_id, clock_timestamp(), clock_timestamp(),
        clock_timestamp() + make_interval(secs => ${seconds}), clock_timestamp() + make_interval(secs => ${seconds}), '{}', 1
      from users join caller on caller.tenant_id = users.tenant_id
      join tenants on tenants.id = users.tenant_id and tenants.settings ->> 'impersonation' = 'allowed'
      where users.id = ${userId} and users.id <> caller.user_id and ${mayBeActedFor}
      returning *),
    recorded as (${recordEvent(ctx, 'session.impersonated', happened, { actor: sql`${caller.userId}::uuid` })})
    select ${callerRow}, (
      select jsonb_build_object('id', id, 'startedAt', created_at, 'expiresAt', expires_at, 'statusIndex', status_index) from begun) as begun`)
  const [row] = await begin
  return row ?? { caller: null, begun: null }
}
