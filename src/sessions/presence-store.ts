/** The SQL that says who is there: the live session of a browser's refresh cookie, read without using the token up. */
import { and, eq, type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { selfColumns, userIsActive } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import { readCallerRow, sessionNow } from '../guard/caller-store.ts'
import type { CallerRow } from '../guard/demands.ts'
import { sessionIsLive } from '../guard/live-store.ts'
import type { KeyedWorker } from '../keys/auth-keys.ts'
import { ringState } from '../keys/auth-keys-store.ts'
import { sealedKeyColumns } from '../keys/store.ts'
import { sessions, signingKeys, tenantHosts, tenants, users } from '../storage/schema.ts'
import { settingOf, tenantColumns } from '../tenants/store.ts'
import type { KeyedTokenHash } from './refresh-token.ts'
import { REPEAT_SECONDS } from './rotation.ts'
import { bytes } from './store.ts'

type Storage = Pick<Context, 'db' | 'host' | 'settings'>

/**
 * The id of a session, in brackets: that of the presented token on this host. A token that was used counts as long as a refresh would answer
 * it again: its successor is unused, and its use is not longer ago than the life of an access token. So an answer that was
 * lost, or two tabs, sign no one out; and a copy of an old token shows nothing.
 * @param presented the token under every key of the ring; null for none
 */
export function presentSession({ host }: Pick<Context, 'host'>, presented: readonly KeyedTokenHash[]): SQL {
  if (presented.length === 0) return sql`null::uuid`
  const repeated = sql`token.used_at > clock_timestamp() - make_interval(secs => greatest(${REPEAT_SECONDS}::int, ${settingOf('access_token_seconds')}))`
  return sql`(
    select token.session_id from refresh_tokens token
    join tenants on tenants.id = token.tenant_id
    join tenant_hosts on tenant_hosts.tenant_id = tenants.id and tenant_hosts.host = ${host}
    left join refresh_tokens next on next.parent_id = token.id
    where token.hash in (${sql.join(presented.map(bytes), sql`, `)})
      and (case when token.used_at is null then token.expires_at > clock_timestamp()
        else next.used_at is null and ${repeated} end))`
}

/** When the newest token of the session was made. */
const renewedAt = sql`(select max(created_at) from refresh_tokens where session_id = ${sessions.id})`

/** The host's tenant, the key that signs, and who is there, if anyone: one query, for a batch with others of theirs. */
export const findPresent = (ctx: Storage, presented: readonly KeyedTokenHash[], worker: KeyedWorker) =>
  ctx.db
    .select({
      tenant: tenantColumns,
      key: sealedKeyColumns,
      ring: ringState(ctx, worker),
      user: selfColumns,
      session: {
        id: sessions.id,
        expiresAt: sessions.expiresAt,
        authTime: sessions.authTime,
        amr: sessions.amr,
        aal: sessions.aal,
        statusIndex: sessions.statusIndex,
      },
      state: sql<CallerRow>`case when users.id is not null then ${sessionNow} end`.mapWith(readCallerRow),
      renewedSecondsAgo: sql`extract(epoch from clock_timestamp() - ${renewedAt})`.mapWith((value: unknown) =>
        v.parse(v.pipe(v.unknown(), v.transform(Number), v.number()), value),
      ),
    })
    .from(tenantHosts)
    .innerJoin(tenants, eq(tenants.id, tenantHosts.tenantId))
    .leftJoin(signingKeys, eq(signingKeys.state, 'current'))
    .leftJoin(
      sessions,
      and(eq(sessions.id, presentSession(ctx, presented)), eq(sessions.tenantId, tenants.id), sessionIsLive),
    )
    .leftJoin(users, and(eq(users.id, sessions.userId), userIsActive))
    .where(eq(tenantHosts.host, ctx.host))
