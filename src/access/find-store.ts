/** Reading accounts for those who administer a tenant: the API and the operator's commands find the same rows. */
import { type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { JobContext } from '../context.ts'
import { sessionIsLive } from '../guard/live-store.ts'
import { type Row, rowsOf, Time } from '../storage/rows.ts'
import { STATUSES, type Status, statusNow } from './target-store.ts'

type Reader = Pick<JobContext, 'db'>

/** More sessions than these are not counted. */
export const COUNTED_SESSIONS = 1000

const LISTED = {
  id: v.string(),
  email: v.nullable(v.string()),
  name: v.nullable(v.string()),
  locale: v.nullable(v.string()),
  externalId: v.nullable(v.string()),
  status: v.picklist(STATUSES),
  roles: v.array(v.string()),
  createdAt: Time,
  emailVerifiedAt: v.nullable(Time),
  secondFactorSince: v.nullable(Time),
  deletedAt: v.nullable(Time),
}
export type ListedAccount = Row<typeof LISTED>

const FOUND = { ...LISTED, liveSessions: v.number(), lastUsedAt: v.nullable(Time) }
export type FoundAccount = Row<typeof FOUND>

const listedColumns = sql`
  users.id, users.email, users.name, users.locale, users.external_id, ${statusNow} as status, users.roles, users.created_at,
  users.email_verified_at, users.second_factor_since, users.deleted_at`

/** The tenant of a host, or one that a command has found; a subquery, so that an index gives its accounts in their order. */
export type Where = { host: string } | { tenantId: string }

export const tenantOf = (where: Where): SQL =>
  'host' in where
    ? sql`(select tenant_id from tenant_hosts where host = ${where.host})`
    : sql`${where.tenantId}::uuid`

/**
 * The accounts of a canonical address, the open one first, or the account of an id.
 * @param who one of the two
 */
export const findAccounts = ({ db }: Reader, where: Where, who: { id: string } | { email: string }) =>
  rowsOf(
    db,
    FOUND,
  )(sql`
    select ${listedColumns}, live.live_sessions, live.last_used_at
    from users cross join lateral (
      select count(*)::int as live_sessions, max(used_at) as last_used_at from (
        select sessions.last_used_at as used_at from sessions where sessions.user_id = users.id and ${sessionIsLive}
        limit ${COUNTED_SESSIONS}) as counted) as live
    where users.tenant_id = ${tenantOf(where)} and ${'id' in who ? sql`users.id = ${who.id}` : sql`users.email = ${who.email}`}
    order by users.deleted_at nulls first limit 10`)

export type AccountFilters = {
  /** Of the canonical address. */
  emailPrefix?: string | undefined
  status?: Exclude<Status, 'erased'> | undefined
  role?: string | undefined
  /** Of one account at most. */
  externalId?: string | undefined
}

/** The place of an account in the order of a list, which nothing that happens to it changes but a change of its address. */
export const positionIn = ({ emailPrefix }: AccountFilters, { id, email }: ListedAccount): string =>
  emailPrefix === undefined ? id : `${id} ${email ?? ''}`

/**
 * Accounts that are not erased: the newest first, or, of an address that begins so, in order of address.
 * @param page.after the position of the account that the page before ended with
 */
export const listAccounts = (
  { db }: Reader,
  where: Where,
  { filters, after, limit }: { filters: AccountFilters; after: string | null; limit: number },
) => {
  const { emailPrefix } = filters
  const [id, email] = after?.split(' ') ?? []
  const tenant = tenantOf(where)
  const [place, order] =
    emailPrefix === undefined
      ? [newestOf(tenant, id), sql`users.tenant_id desc, users.id desc`]
      : [
          sql`users.tenant_id = ${tenant} and ${id === undefined ? sql`true` : afterAddress(email ?? '', id)}`,
          sql`users.email using operator(pg_catalog.~<~), users.id`,
        ]
  const conditions = [
    place,
    sql`users.erased_at is null and users.email is not null`,
    ...conditionsOf(filters),
  ]
  return rowsOf(
    db,
    LISTED,
  )(sql`
    select ${listedColumns} from users where ${sql.join(conditions, sql` and `)} order by ${order} limit ${limit}`)
}

/** As the indexes `users_email_prefix`, `users_not_open`, `users_external_id` and `users_roles` have them. */
function conditionsOf({ emailPrefix, status, role, externalId }: AccountFilters): SQL[] {
  return [
    // Bytes are compared, whatever the collation of the database: an address is ASCII, in which nothing is after `~`.
    emailPrefix !== undefined &&
      sql`users.email operator(pg_catalog.~>=~) ${emailPrefix}::text
        and users.email operator(pg_catalog.~<~) ${`${emailPrefix}\x7f`}::text`,
    status === 'active' && sql`users.status = 'active' and users.deleted_at is null`,
    status === 'disabled' && sql`users.status = 'disabled' and users.deleted_at is null`,
    status === 'closed' && sql`users.deleted_at is not null`,
    externalId !== undefined && sql`users.external_id = ${externalId}`,
    role !== undefined && sql`users.roles @> array[${role}::text] and users.roles <> '{}'`,
  ].filter((condition) => condition !== false)
}

/**
 * The accounts of a tenant, those before `id` if it is given. A range and no equality, or the order would be that of the ids
 * alone, and of a small tenant everything that is newer would be read first, whose ever it is.
 */
const newestOf = (tenant: SQL, id: string | undefined): SQL =>
  sql`users.tenant_id >= ${tenant} and ${
    id === undefined
      ? sql`users.tenant_id <= ${tenant}`
      : sql`(users.tenant_id, users.id) < (${tenant}, ${id}::uuid)`
  }`

/** After an account in order of address: an address that was closed and is open again is there twice. */
const afterAddress = (email: string, id: string): SQL => sql`
  users.email operator(pg_catalog.~>=~) ${email}::text
  and (users.email operator(pg_catalog.~>~) ${email}::text or users.id > ${id}::uuid)`
