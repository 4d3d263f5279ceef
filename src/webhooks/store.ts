/** The SQL of webhook endpoints, as their administrators make and change them. Every statement names the tenant. */
import { and, desc, eq, isNull, lt, type SQL, sql } from 'drizzle-orm'
import type { Context } from '../context.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import type { Caller } from '../guard/caller.ts'
import { callerIsAdmin, countAdmin } from '../guard/caller-store.ts'
import type { IdempotencyKey } from '../idempotency/idempotency.ts'
import { keepAnswer } from '../idempotency/store.ts'
import { isUniqueViolation } from '../storage/postgres.ts'
import { tenantHosts, webhookEndpoints } from '../storage/schema.ts'
import { BEGIN_ANEW } from './health-store.ts'

import { OVERLAP_SECONDS } from './secrets.ts'

/** As many as a tenant may have: each is a delivery for every event. */
export const MAX_ENDPOINTS = 20

export type Endpoint = {
  id: string
  url: string
  description: string | null
  events: string[]
  state: 'enabled' | 'disabled'
  disabledReason: string | null
  failingSince: Date | string | null
  createdAt: Date | string
  updatedAt: Date | string
}

const endpointColumns = {
  id: webhookEndpoints.id,
  url: webhookEndpoints.url,
  description: webhookEndpoints.description,
  events: webhookEndpoints.events,
  state: webhookEndpoints.state,
  disabledReason: webhookEndpoints.disabledReason,
  failingSince: webhookEndpoints.failingSince,
  createdAt: webhookEndpoints.createdAt,
  updatedAt: webhookEndpoints.updatedAt,
}

/** The row of `changed`, in the names of `Endpoint`. */
const changedJson = sql`jsonb_build_object('id', changed.id, 'url', changed.url, 'description', changed.description,
  'events', changed.events, 'state', changed.state, 'disabledReason', changed.disabled_reason,
  'failingSince', changed.failing_since,
  'createdAt', changed.created_at, 'updatedAt', changed.updated_at)`

export type Storage = Pick<Context, 'db' | 'host'>
export type Writer = Storage & Recorder

/** Who asked, and what was found for them. */
type Asked = { callers: number; admins: number }
export type Outcome<Found> = Asked & { found: Found | null }

/** The tenant of the host: reads are bound to it, and handed over only once the caller is known to be its administrator. */
export const tenantOfHost = ({ db, host }: Storage) =>
  sql`(${db.select({ id: tenantHosts.tenantId }).from(tenantHosts).where(eq(tenantHosts.host, host))})`

/** Newest first; `after` is the last id of the page before. */
export function listEndpoints(ctx: Storage, { after, limit }: { after: string | null; limit: number }) {
  return ctx.db
    .select(endpointColumns)
    .from(webhookEndpoints)
    .where(
      and(
        eq(webhookEndpoints.tenantId, tenantOfHost(ctx)),
        isNull(webhookEndpoints.deletedAt),
        after === null ? undefined : lt(webhookEndpoints.id, after),
      ),
    )
    .orderBy(desc(webhookEndpoints.id))
    .limit(limit)
}

export function findEndpoint(ctx: Storage, endpointId: string) {
  return ctx.db.select(endpointColumns).from(webhookEndpoints).where(isEndpointOfHost(ctx, endpointId))
}

/** This endpoint, if it is one of the host's tenant. */
export const isEndpointOfHost = (ctx: Storage, endpointId: string) =>
  and(
    eq(webhookEndpoints.id, endpointId),
    eq(webhookEndpoints.tenantId, tenantOfHost(ctx)),
    isNull(webhookEndpoints.deletedAt),
  )

/** The same in a statement with the member `admin`, whose tenant it must be. */
export const isEndpointOfAdmin = (endpointId: string) => sql`
  webhook_endpoints.id = ${endpointId} and webhook_endpoints.tenant_id = admin.tenant_id
  and webhook_endpoints.deleted_at is null`

/** A host of ours as a target would let a tenant ask another in our name. */
const isOwnHost = (url: string | undefined) =>
  sql`exists (select from tenant_hosts where host = split_part(${url ?? null}::text, '/', 3))`

/**
 * Inserts the endpoint if the caller is an administrator and there is room. Creations of one tenant take turns, and each
 * counts what the one before committed: of any number at once, no more than `MAX_ENDPOINTS` are made.
 */
export async function insertEndpoint(
  ctx: Writer,
  caller: Caller,
  endpoint: Endpoint,
  sealedSecret: string,
  kept: { key: IdempotencyKey; sealed: string } | null,
): Promise<(Asked & { isOwnHost: boolean; isMade: boolean }) | 'idempotency_key_in_use'> {
  const { id, url, description, events, createdAt } = endpoint
  const turn = ctx.db.execute(
    sql`select pg_advisory_xact_lock(hashtextextended(${`webhooks of ${caller.tenant.id}`}, 0))`,
  )
  const wasMade = sql`exists (select from made)`
  const insert = ctx.db.execute<Asked & { is_own_host: boolean; is_made: boolean }>(sql`
    with ${callerIsAdmin(caller, ctx.host)},
    made as (
      insert into webhook_endpoints (id, tenant_id, url, description, events, sealed_secret, created_at, updated_at)
      select ${id}::uuid, tenant_id, ${url}, ${description}, ${sql.param(events, webhookEndpoints.events)}::text[],
        ${sealedSecret}, ${createdAt}::timestamptz, ${createdAt}::timestamptz
      from admin
      where not ${isOwnHost(url)}
        and (select count(*) from webhook_endpoints where webhook_endpoints.tenant_id = admin.tenant_id
          and webhook_endpoints.deleted_at is null) < ${MAX_ENDPOINTS}
      returning id, tenant_id),
    ${kept ? sql`${keepAnswer(caller.tenant.id, kept.key, kept.sealed, sql`null`, wasMade)},` : sql``}
    recorded as (${recordEvent(ctx, 'webhook.created', happened(sql`made`), byCaller(caller))})
    select ${countAdmin}, ${isOwnHost(url)} as is_own_host, ${wasMade} as is_made`)
  try {
    const [, { rows }] = await ctx.db.batch([turn, insert])
    const [row] = rows
    return { ...askedOf(row), isOwnHost: row?.is_own_host ?? false, isMade: row?.is_made ?? false }
  } catch (error) {
    if (isUniqueViolation(error, 'idempotency_keys')) return 'idempotency_key_in_use'
    throw error
  }
}

/** An event about an endpoint is about nobody's account; the administrator is its actor. */
export const happened = (from: SQL, more: SQL = sql`'{}'::jsonb`) =>
  sql`select tenant_id, null::uuid as subject, jsonb_build_object('endpoint_id', id) || ${more} as data from ${from}`

export const byCaller = ({ userId }: Caller) => ({ actor: sql`${userId}::uuid` })

const askedOf = (row: Asked | undefined): Asked => ({ callers: row?.callers ?? 0, admins: row?.admins ?? 0 })

export type Changes = {
  url?: string | undefined
  events?: string[] | undefined
  description?: string | null | undefined
  state?: 'enabled' | 'disabled' | undefined
}

export async function changeEndpoint(
  ctx: Writer,
  caller: Caller,
  endpointId: string,
  changes: Changes,
): Promise<Outcome<Endpoint> & { isOwnHost: boolean }> {
  const { url, events, description, state } = changes
  const fields = sql`jsonb_build_object('fields', ${JSON.stringify(Object.keys(changes).toSorted())}::jsonb)`
  const { rows } = await ctx.db.execute<Asked & { is_own_host: boolean; found: Endpoint | null }>(sql`
    with ${callerIsAdmin(caller, ctx.host)},
    changed as (
      update webhook_endpoints set
        url = coalesce(${url ?? null}, url),
        events = coalesce(${events ? sql`${sql.param(events, webhookEndpoints.events)}::text[]` : null}, events),
        description = ${description === undefined ? sql`description` : description},
        state = coalesce(${state ?? null}, state),
        disabled_reason = case ${state ?? null}::text
          when 'disabled' then 'by_admin' when 'enabled' then null else disabled_reason end,
        ${state === 'enabled' || url !== undefined ? sql`${BEGIN_ANEW},` : sql``}
        updated_at = clock_timestamp()
      from admin where ${isEndpointOfAdmin(endpointId)} and not ${isOwnHost(url)}
      returning webhook_endpoints.*),
    recorded as (${recordEvent(ctx, 'webhook.updated', happened(sql`changed`, fields), byCaller(caller))})
    select ${countAdmin}, ${isOwnHost(url)} as is_own_host, (select ${changedJson} from changed) as found`)
  const [row] = rows
  return { ...askedOf(row), found: row?.found ?? null, isOwnHost: row?.is_own_host ?? false }
}

/** As many of its deliveries go with an endpoint, in the same statement. */
const MAX_DELETED = 1000

/**
 * Deletes the endpoint, and with it its deliveries. One that has too many for one statement is disabled for good and shown
 * to no one from now on; they go in batches (settling.ts), and it with the last of them.
 */
export async function deleteEndpoint(
  ctx: Writer,
  caller: Caller,
  endpointId: string,
): Promise<Outcome<{ id: string }>> {
  const { rows } = await ctx.db.execute<Outcome<{ id: string }>>(sql`
    with ${callerIsAdmin(caller, ctx.host)},
    size as (
      select count(*) > ${MAX_DELETED} as is_large from (
        select from webhook_deliveries where endpoint_id = ${endpointId} limit ${MAX_DELETED + 1}) as counted),
    deleted as (
      delete from webhook_endpoints using admin, size where ${isEndpointOfAdmin(endpointId)} and not is_large
      returning id, webhook_endpoints.tenant_id),
    hidden as (
      update webhook_endpoints set state = 'disabled', disabled_reason = 'deleted', deleted_at = clock_timestamp(),
        sealed_previous_secret = null, previous_secret_expires_at = null, updated_at = clock_timestamp()
      from admin, size where ${isEndpointOfAdmin(endpointId)} and is_large
      returning id, webhook_endpoints.tenant_id),
    gone as (select * from deleted union all select * from hidden),
    recorded as (${recordEvent(ctx, 'webhook.deleted', happened(sql`gone`), byCaller(caller))})
    select ${countAdmin}, (select jsonb_build_object('id', id) from gone) as found`)
  return outcomeOf(rows[0])
}

export const outcomeOf = <Found>(row: Outcome<Found> | undefined): Outcome<Found> => ({
  ...askedOf(row),
  found: row?.found ?? null,
})

/** The secret that stood becomes the previous one, for a day; the one before it is gone at once. */
export async function replaceSecret(
  ctx: Writer,
  caller: Caller,
  endpointId: string,
  sealedSecret: string,
): Promise<Outcome<{ previousExpiresAt: string }>> {
  const { rows } = await ctx.db.execute<Outcome<{ previousExpiresAt: string }>>(sql`
    with ${callerIsAdmin(caller, ctx.host)},
    rotated as (
      update webhook_endpoints set sealed_previous_secret = sealed_secret, sealed_secret = ${sealedSecret},
        previous_secret_expires_at = clock_timestamp() + make_interval(secs => ${OVERLAP_SECONDS}),
        updated_at = clock_timestamp()
      from admin where ${isEndpointOfAdmin(endpointId)}
      returning webhook_endpoints.*),
    recorded as (${recordEvent(ctx, 'webhook.secret_rotated', happened(sql`rotated`), byCaller(caller))})
    select ${countAdmin},
      (select jsonb_build_object('previousExpiresAt', previous_secret_expires_at) from rotated) as found`)
  return outcomeOf(rows[0])
}
