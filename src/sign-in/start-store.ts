/**
 * The SQL of the one door: a caller who passed a first factor gets a session, or a challenge where a second factor is needed. No
 * other file inserts a session.
 */
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
import { mfaChallenges, sessions, users } from '../storage/schema.ts'
import { tenantColumns } from '../tenants/store.ts'
import { DEFAULT_POLICY, type TenantPolicy } from '../tenants/tenants.ts'
import {
  type Beginning,
  CHALLENGE_SECONDS,
  type NewSession,
  SECOND_FACTORS,
  type SecondFactor,
} from './start.ts'
import { trustUsed, withTrust } from './trusted-device-store.ts'

/** The database's clock, for what an answer says before its statement runs. */
export const databaseTime = sql`now()`.mapWith((value: string) => new Date(value))

/** A number for the status lists, for an answer that is kept before its statement. */
export const nextStatusIndex = sql`nextval('session_status')`.mapWith(Number)

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
 * country. Sessions that ended more than a month ago are forgotten, so a device counts as new again; an account's first
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
 * Members of a `with`: a session or a challenge begins for the account that passed (`begun`), or nothing does. Which of them
 * is decided here, by the row that is locked: a factor that is added or removed meanwhile cannot slip through. Where the
 * account must add a factor, no trusted device changes that.
 * @param who which first factor was passed, by whom and under which conditions: a select of one row of `users`, locked, or
 * of none
 */
export const begin = (ctx: Recorder & Pick<Context, 'settings'>, beginning: Beginning, who: SQL): SQL => sql`
  passed as (select who.*, ${demandOn(beginning)} as demand from (${withTrust(beginning.trusted, who)}) as who),
  ${trustUsed(beginning.trusted)}
  challenged as (
    insert into mfa_challenges (id, tenant_id, user_id, purpose, hash, amr, is_known_browser, is_by_email, expires_at)
    select ${beginning.challenge.id}::uuid, tenant_id, id, case demand when 'enrol' then 'enrol' else 'sign_in' end,
      ${sql.param(beginning.challenge.hash, mfaChallenges.hash)}::bytea, ${amrOf(beginning.session)},
      ${beginning.session.isKnownBrowser}, ${beginning.session.isByEmail}, clock_timestamp() + make_interval(secs => ${CHALLENGE_SECONDS})
    from passed where demand <> 'none'
    -- An account puts off adding a factor only so often; its newest token is the one that works.
    on conflict (user_id) where purpose = 'enrol' do update set id = excluded.id, hash = excluded.hash, amr = excluded.amr,
      is_known_browser = excluded.is_known_browser,
      is_by_email = excluded.is_by_email, attempts = 0, sign_ins = mfa_challenges.sign_ins + 1,
      created_at = excluded.created_at, expires_at = excluded.expires_at, consumed_at = null
    where mfa_challenges.sign_ins < ${beginning.tenant.policy.second_factor_grace_sign_ins}
    returning user_id),
  ${startSession(ctx, beginning)},
  begun as (
    select passed.* from passed
    where exists (select from started) or exists (select from challenged))`

/** Over `who`, a row of `users`: what is needed besides the factor that was passed. */
function demandOn({ session: { aal, policy, isByEmail, hasEmailCode } }: Beginning): SQL {
  if (aal > 1) return sql`'none'`
  // No code is mailed to an address that is not proved: the account may be a stranger's.
  const mayMail = policy.second_factor_email_code && !isByEmail
  const instead = mayMail
    ? sql`case when who.email_verified_at is null then 'enrol' else 'verify' end`
    : sql`'enrol'`
  return sql`case
    when who.second_factor_since is not null then case when who.trusted_device_id is null then 'verify' else 'none' end
    when ${hasEmailCode ? sql`false` : mustHaveFactor(policy, sql`who`)} then ${instead} else 'none' end`
}

/** Over `users`: whether the tenant wants a second factor of the account. `needsFactor` of start.ts decides the same. */
export function mustHaveFactor(policy: TenantPolicy, account: SQL = sql`users`): SQL {
  if (policy.second_factor === 'required') return sql`true`
  if (policy.second_factor !== 'required_for_roles') return sql`false`
  return sql`${account}.roles && ${sql.param([...policy.second_factor_roles], users.roles)}::text[]`
}

/** The same as the rows say it now, over `users` and `tenants`: for a write that has read neither. */
export const mustHaveFactorNow: SQL = sql`case tenants.settings ->> 'second_factor'
  when 'required' then true
  when 'required_for_roles' then users.roles && array(select jsonb_array_elements_text(
    case jsonb_typeof(tenants.settings -> 'second_factor_roles') when 'array' then tenants.settings -> 'second_factor_roles'
      else ${JSON.stringify(DEFAULT_POLICY.second_factor_roles)}::jsonb end))
  else false end`

const amrOf = ({ amr }: NewSession) => sql`${sql.param([...amr], sessions.amr)}::text[]`

/** Of each second factor: a select that has a row where the account of `passed` can show it now. */
const AT_HAND: Record<SecondFactor, SQL> = {
  totp: sql`select from totp_factors where user_id = passed.id and confirmed_at is not null`,
  recovery_code: sql`select from recovery_codes where user_id = passed.id and used_at is null`,
  passkey: sql`select from passkeys where user_id = passed.id and is_second_factor`,
  // Only where the account has no factor of its own: the weaker never takes the place of the stronger.
  email_code: sql`select where passed.second_factor_since is null`,
}

const eachAtHand = sql.join(
  SECOND_FACTORS.map((method, index) => sql`(${index}::int, ${method}, exists (${AT_HAND[method]}))`),
  sql`, `,
)

/** Second factors that the account of `passed` has; those that it could add, where it must. */
const METHODS_AT_HAND = sql`case demand when 'none' then '[]'::jsonb when 'enrol' then '["totp"]'::jsonb else (
  select coalesce(jsonb_agg(method order by place), '[]') from (values ${eachAtHand}) as each (place, method, is_at_hand)
  where is_at_hand) end`

/** Of a statement with `begin`, what `readBegun` reads: an object, or null when no one passed. */
export const BEGUN = sql`(
  select jsonb_build_object('outcome', case when exists (select from started) then 'started'
      when exists (select from challenged) then 'challenged' else 'over' end,
    'demand', demand, 'methods', ${METHODS_AT_HAND}, 'user', ${jsonOf(userColumns, sql`passed`)},
    'statusIndex', (select status_index from started)) from passed)`

/** The session of the account in `passed` (`started`), its first refresh token and the event. */
function startSession(
  ctx: Recorder & Pick<Context, 'settings'>,
  { session, announcesKey, mayDisplace }: Beginning,
): SQL {
  const { id, startedAt, refreshTokenId, refreshTokenHash, policy, isKnownBrowser } = session
  const { client } = ctx
  const event = sql`select tenant_id, user_id as subject, jsonb_build_object('session_id', id, 'amr', amr,
    'new_device', ${isKnownBrowser ? sql`false` : isNewDevice})
    || jsonb_strip_nulls(jsonb_build_object('trusted_device_id', (
      select trusted_device_id from passed))) as data from started`
  return sql`
    started as (
      insert into sessions (id, tenant_id, user_id, created_at, auth_time, expires_at, idle_expires_at, amr, aal,
        address, country, city, asn_org, user_agent, device_label, status_index)
      -- Not the start of the transaction: it may have waited for an epoch to begin.
      select ${id}::uuid, passed.tenant_id, passed.id, clock_timestamp(),
        ${startedAt.toISOString()}::timestamptz,
        ${expiresAt(startedAt, policy.session_absolute_seconds)}::timestamptz,
        ${expiresAt(startedAt, refreshSeconds(policy))}::timestamptz,
        ${amrOf(session)}, ${session.aal}::smallint,
        ${client.truncatedAddress}, ${client.country}, ${client.city}, ${client.asnOrg},
        ${client.userAgent}, ${deviceLabel(client.userAgent)}, coalesce(${session.statusIndex}::bigint, nextval('session_status'))
      from passed where demand = 'none'
      returning *),
    first_token as (
      insert into refresh_tokens (id, tenant_id, session_id, hash, key_id, expires_at)
      select ${refreshTokenId}::uuid, tenant_id, id, ${bytes(refreshTokenHash)}, ${refreshTokenHash.keyId}, idle_expires_at
      from started),
    ${announcesKey ? sql`${announceKey(ctx, sql`started`)},` : sql``}
    ${mayDisplace ? sql`${endOldest(ctx, policy.max_sessions)},` : sql``}
    start_recorded as (${recordEvent(ctx, 'session.started', event)})`
}

/** Members of a `with`, after `started`: the sessions that have to end for it, and the event. */
function endOldest(ctx: Recorder, maxSessions: number): SQL {
  const happened = sql`select tenant_id, user_id as subject, jsonb_build_object('by_session', id,
    'session_ids', (select jsonb_agg(id) from displaced)) as data from started where exists (select from displaced)`
  return sql`
    ${displaceOldest(maxSessions)},
    displaced_recorded as (${recordEvent(ctx, 'session.displaced', happened, { rare: true })})`
}
