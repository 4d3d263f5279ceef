/** The SQL of the one door: it begins a session for whoever passed. No other file inserts one. */
import { type SQL, sql } from 'drizzle-orm'
import { userColumns } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import type { KeyedWorker } from '../keys/auth-keys.ts'
import { announceKey, ringState } from '../keys/auth-keys-store.ts'
import { sealedKeyColumns } from '../keys/store.ts'
import { deviceLabel } from '../sessions/device.ts'
import { displaceOldest } from '../sessions/session-limit-store.ts'
import { bytes, expiresAt, refreshSeconds } from '../sessions/store.ts'
import { jsonOf } from '../storage/rows.ts'
import { sessions } from '../storage/schema.ts'
import { tenantColumns } from '../tenants/store.ts'
import type { Beginning, NewSession } from './start.ts'

/** The database's clock, for what an answer says before its statement runs. */
const databaseTime = sql`now()`.mapWith((value: string) => new Date(value))

/** For `db.select`, over `tenants` and `signing_keys`: what every first factor reads before it can be the beginning of anything. */
export const beginningColumns = (ctx: Pick<Context, 'settings'>, worker: KeyedWorker) => ({
  tenant: tenantColumns,
  key: sealedKeyColumns,
  ring: ringState(ctx, worker),
  at: databaseTime,
})

/** Ten a day for as long as ended sessions are kept, and more. */
const DEVICES_LOOKED_AT = 500

/**
 * Of `started`, whether its account has been used before, and none of its newest sessions was with such a device in such a
 * country. Sessions that ended more than a month ago are forgotten, so a device comes to be new again; an account's first
 * session is not news.
 */
const isNewDevice = sql`(
  -- In order of the index: a search for any row is planned as a look at the table where one account has much of it.
  (select sessions.id from sessions where sessions.user_id = started.user_id order by sessions.id desc limit 1) is not null
  and not exists (
    select from (
      select country, device_label, user_agent from sessions
      where sessions.user_id = started.user_id order by sessions.id desc limit ${DEVICES_LOOKED_AT}) as earlier
    where earlier.country is not distinct from started.country
      and coalesce(earlier.device_label, earlier.user_agent) is not distinct from coalesce(started.device_label, started.user_agent)))`

/**
 * Members of a `with`: a session begins for the account that passed, and ends up in `begun`; or nothing does.
 * @param who which first factor was passed, by whom and under which conditions: a select of one row of `users`, locked, or
 * of none
 */
export const begin = (
  ctx: Recorder & Pick<Context, 'settings'>,
  { session }: Beginning,
  who: SQL,
): SQL => sql`
  passed as (${who}),
  ${startSession(ctx, session)},
  begun as (select passed.* from passed join started on started.user_id = passed.id)`

/** Of a statement with `begin`, what `readBegun` reads: an object, or null when nothing began. */
export const BEGUN = jsonOf(userColumns, sql`begun`)

/** The session of the account in `passed` (`started`), its first refresh token and the event. */
function startSession(
  ctx: Recorder & Pick<Context, 'settings'>,
  { id, startedAt, refreshTokenId, refreshTokenHash, policy, amr, aal, isKnownBrowser }: NewSession,
): SQL {
  const { client } = ctx
  const event = sql`select tenant_id, user_id as subject, jsonb_build_object('session_id', id, 'amr', amr,
    'new_device', ${isKnownBrowser ? sql`false` : isNewDevice}) as data from started`
  const displaced = sql`select tenant_id, user_id as subject, jsonb_build_object('by_session', id,
    'session_ids', (select jsonb_agg(id) from displaced)) as data from started where exists (select from displaced)`
  return sql`
    started as (
      insert into sessions (id, tenant_id, user_id, created_at, auth_time, expires_at, idle_expires_at, amr, aal,
        address, country, city, asn_org, user_agent, device_label)
      -- Not the start of the transaction: it may have waited for an epoch to begin.
      select ${id}::uuid, passed.tenant_id, passed.id, clock_timestamp(),
        ${startedAt.toISOString()}::timestamptz,
        ${expiresAt(startedAt, policy.session_absolute_seconds)}::timestamptz,
        ${expiresAt(startedAt, refreshSeconds(policy))}::timestamptz,
        ${sql.param([...amr], sessions.amr)}::text[], ${aal}::smallint,
        ${client.truncatedAddress}, ${client.country}, ${client.city}, ${client.asnOrg},
        ${client.userAgent}, ${deviceLabel(client.userAgent)}
      from passed
      returning *),
    first_token as (
      insert into refresh_tokens (id, tenant_id, session_id, hash, key_id, expires_at)
      select ${refreshTokenId}::uuid, tenant_id, id, ${bytes(refreshTokenHash)}, ${refreshTokenHash.keyId}, idle_expires_at
      from started),
    ${announceKey(ctx, sql`started`)},
    start_recorded as (${recordEvent(ctx, 'session.started', event)}),
    ${displaceOldest(policy.max_sessions)},
    displaced_recorded as (${recordEvent(ctx, 'session.displaced', displaced, { rare: true })})`
}
