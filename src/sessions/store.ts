/** The `sessions` rows that an account has, and what a refresh token says of one. Every statement names the tenant. */
import { and, desc, eq, type SQL, sql } from 'drizzle-orm'
import type { Context } from '../context.ts'
import { sessionIsLive } from '../guard/live-store.ts'
import { refreshTokens, sessions, tenantHosts } from '../storage/schema.ts'
import type { TenantPolicy } from '../tenants/tenants.ts'
import type { KeyedTokenHash } from './refresh-token.ts'
import { LOOKED_AT } from './session-limit-store.ts'

/** Life of a session's first refresh token, in seconds: idle, but never beyond the session. */
export const refreshSeconds = (policy: TenantPolicy) =>
  Math.min(policy.session_idle_seconds, policy.session_absolute_seconds)

export const expiresAt = (startedAt: Date, seconds: number) =>
  new Date(startedAt.getTime() + seconds * 1000).toISOString()

/** A hash as a bytea parameter. */
export const bytes = ({ hash }: KeyedTokenHash) => sql`${sql.param(hash, refreshTokens.hash)}::bytea`

/**
 * The live sessions of the owner of session `sid`, newest first; `after` is the last id of the page before, which only who knows
 * the id has.
 */
export function findSessions(
  { db, host }: Pick<Context, 'db' | 'host'>,
  { sid }: { sid: string | SQL },
  { after, limit }: { after: string | null; limit: number },
) {
  const owner = db.select({ id: sessions.userId }).from(sessions).where(eq(sessions.id, sid))
  // Of the owner's sessions whose rows have not ended, the newest, and the caller's own, which may be the oldest of all.
  const newest = sql`
    select open.id from sessions as open where open.user_id = (${owner}) and open.revoked_at is null
      ${after === null ? sql`` : sql`and open.id < ${after}::uuid`} order by open.id desc limit ${LOOKED_AT}`
  const own = after === null || (typeof sid === 'string' && sid < after) ? sql`${sid}::uuid` : sql`null::uuid`
  const looked = sql`array_append(array(${newest}), ${own})`
  const tenant = db.select({ id: tenantHosts.tenantId }).from(tenantHosts).where(eq(tenantHosts.host, host))
  return db
    .select({
      id: sessions.id,
      createdAt: sessions.createdAt,
      lastUsedAt: sessions.lastUsedAt,
      expiresAt: sessions.expiresAt,
      address: sessions.address,
      country: sessions.country,
      city: sessions.city,
      network: sessions.asnOrg,
      userAgent: sessions.userAgent,
      device: sessions.deviceLabel,
      methods: sessions.amr,
    })
    .from(sessions)
    .where(
      and(
        sql`${sessions.id} = any(${looked})`,
        eq(sessions.userId, sql`(${owner})`),
        eq(sessions.tenantId, sql`(${tenant})`),
        sessionIsLive,
      ),
    )
    .orderBy(desc(sessions.id))
    .limit(limit)
}
