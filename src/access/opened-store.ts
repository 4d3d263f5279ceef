/** What opens an account and where it is open, for those who administer its tenant: sessions, factors, passkeys, linked accounts. */
import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { JobContext } from '../context.ts'
import { sessionIsLive } from '../guard/live-store.ts'
import { LOOKED_AT } from '../sessions/session-limit-store.ts'
import { inJson, type Row, rowsOf, Time } from '../storage/rows.ts'
import { tenantOf, type Where } from './find-store.ts'

type Reader = Pick<JobContext, 'db'>

/** Sessions that are listed, the newest first. */
export const LISTED_SESSIONS = 20

const SESSION = {
  id: v.string(),
  createdAt: Time,
  lastUsedAt: Time,
  address: v.nullable(v.string()),
  country: v.nullable(v.string()),
  city: v.nullable(v.string()),
  userAgent: v.nullable(v.string()),
  deviceLabel: v.nullable(v.string()),
  amr: v.array(v.string()),
  impersonatorId: v.nullable(v.string()),
}
export type OpenSession = Row<typeof SESSION>

/** The live sessions of an account of the tenant. */
export const listSessionsOf = ({ db }: Reader, where: Where, userId: string) =>
  rowsOf(
    db,
    SESSION,
  )(sql`
    select id, created_at, last_used_at, address, country, city, user_agent, device_label, amr, impersonator_id from sessions
    where id = any(array(
        select open.id from sessions as open where open.user_id = ${userId} and open.revoked_at is null
        order by open.id desc limit ${LOOKED_AT}))
      and user_id = ${userId} and tenant_id = ${tenantOf(where)} and ${sessionIsLive}
    order by id desc limit ${LISTED_SESSIONS}`)

const PASSKEY = { id: v.string(), name: v.string(), isSecondFactor: v.boolean(), createdAt: Time }
const IDENTITY = { id: v.string(), provider: v.string(), linkedAt: Time }

const CREDENTIALS = {
  appSince: v.nullable(Time),
  codesLeft: v.number(),
  passkeys: v.array(inJson(PASSKEY)),
  identities: v.array(inJson(IDENTITY)),
}
export type Credentials = Row<typeof CREDENTIALS>

/** What opens an account of the tenant, without anything that it is made of. One row, none where there is no such account. */
export const findCredentialsOf = ({ db }: Reader, where: Where, userId: string) =>
  rowsOf(
    db,
    CREDENTIALS,
  )(sql`
    select
      (select confirmed_at from totp_factors where user_id = users.id and confirmed_at is not null) as app_since,
      (select count(*)::int from recovery_codes where user_id = users.id and used_at is null) as codes_left,
      (select coalesce(jsonb_agg(to_jsonb(own) order by own.id), '[]') from (
        select id, name, is_second_factor, created_at from passkeys where user_id = users.id) as own) as passkeys,
      (select coalesce(jsonb_agg(to_jsonb(own) order by own.id), '[]') from (
        select id, provider, linked_at from identities where user_id = users.id) as own) as identities
    from users where users.id = ${userId} and users.tenant_id = ${tenantOf(where)}`)
