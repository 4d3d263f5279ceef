/** The SQL of webhook endpoints, as their administrators make and change them. Every statement names the tenant. */
import { and, desc, eq, isNull, lt, type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import { CALLER, callerOf, callerRow } from '../guard/caller-store.ts'
import type { Admin, AdminOrKey, CallerRow } from '../guard/demands.ts'
import type { IdempotencyKey } from '../idempotency/idempotency.ts'
import { keepAnswer } from '../idempotency/store.ts'
import { isUniqueViolation } from '../storage/postgres.ts'
import { inJson, jsonOf, type Row, rowsOf, Time } from '../storage/rows.ts'
import { tenantHosts, webhookEndpoints } from '../storage/schema.ts'
import { BEGIN_ANEW } from './health-store.ts'
import { OVERLAP_SECONDS } from './secrets.ts'

/** As many as a tenant may have: each is a delivery for every event. */
export const MAX_ENDPOINTS = 20

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

export type Endpoint = Row<typeof endpointColumns>

export type Storage = Pick<Context, 'db' | 'host'>
export type Writer = Storage & Recorder

/** Who asked, for `refuseUnless`, and what was found for them. */
type Asked = { caller: CallerRow }
export type Outcome<Found> = Asked & { found: Found | null }

/** The one row of such a statement, which ends with `select ${callerRow}, … as found`. */
export const outcomeOf = <Found>(found: v.GenericSchema<unknown, Found>) => ({
  ...CALLER,
  found: v.nullable(found),
})

const NOTHING = { caller: null, found: null }

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

/** The same in a statement with the member `caller`, whose tenant it must be. */
export const isEndpointOfCaller = (endpointId: string) => sql`
  webhook_endpoints.id = ${endpointId} and webhook_endpoints.tenant_id = caller.tenant_id
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
  caller: Admin,
  endpoint: Endpoint,
  sealedSecret: string,
  kept: { key: IdempotencyKey; sealed: string } | null,
): Promise<(Asked & { isOwnHost: boolean; isMade: boolean }) | 'idempotency_key_in_use'> {
  const { id, url, description, events, createdAt } = endpoint
  const turn = ctx.db.execute(
    sql`select pg_advisory_xact_lock(hashtextextended(${`webhooks of ${caller.tenant.id}`}, 0))`,
  )
  const wasMade = sql`exists (select from made)`
  const insert = rowsOf(ctx.db, { ...CALLER, isOwnHost: v.boolean(), isMade: v.boolean() })(sql`
    with ${callerOf(caller, ctx.host)},
    made as (
      insert into webhook_endpoints (id, tenant_id, url, description, events, sealed_secret, created_at, updated_at)
      select ${id}::uuid, tenant_id, ${url}, ${description}, ${sql.param(events, webhookEndpoints.events)}::text[],
        ${sealedSecret}, ${createdAt.toISOString()}::timestamptz, ${createdAt.toISOString()}::timestamptz
      from caller
      where not ${isOwnHost(url)}
        and (select count(*) from webhook_endpoints where webhook_endpoints.tenant_id = caller.tenant_id
          and webhook_endpoints.deleted_at is null) < ${MAX_ENDPOINTS}
      returning id, tenant_id),
    ${kept ? sql`${keepAnswer(caller.tenant.id, kept.key, kept.sealed, sql`null`, wasMade)},` : sql``}
    recorded as (${recordEvent(ctx, 'webhook.created', happened(sql`made`), byCaller(caller))})
    select ${callerRow}, ${isOwnHost(url)} as is_own_host, ${wasMade} as is_made`)
  try {
    const [, [row]] = await ctx.db.batch([turn, insert])
    return row ?? { caller: null, isOwnHost: false, isMade: false }
  } catch (error) {
    if (isUniqueViolation(error, 'idempotency_keys')) return 'idempotency_key_in_use'
    throw error
  }
}

/** An event about an endpoint is about no account; the administrator is its actor. */
export const happened = (from: SQL, more: SQL = sql`'{}'::jsonb`) =>
  sql`select tenant_id, null::uuid as subject, jsonb_build_object('endpoint_id', id) || ${more} as data from ${from}`

export const byCaller = ({ userId }: AdminOrKey) => ({ actor: sql`${userId}::uuid` })

export type Changes = {
  url?: string | undefined
  events?: string[] | undefined
  description?: string | null | undefined
  state?: 'enabled' | 'disabled' | undefined
}

export async function changeEndpoint(
  ctx: Writer,
  caller: Admin,
  endpointId: string,
  changes: Changes,
): Promise<Outcome<Endpoint> & { isOwnHost: boolean }> {
  const { url, events, description, state } = changes
  const fields = sql`jsonb_build_object('fields', ${JSON.stringify(Object.keys(changes).toSorted())}::jsonb)`
  const [row] = await rowsOf(ctx.db, { ...outcomeOf(inJson(endpointColumns)), isOwnHost: v.boolean() })(sql`
    with ${callerOf(caller, ctx.host)},
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
      from caller where ${isEndpointOfCaller(endpointId)} and not ${isOwnHost(url)}
      returning webhook_endpoints.*),
    recorded as (${recordEvent(ctx, 'webhook.updated', happened(sql`changed`, fields), byCaller(caller))})
    select ${callerRow}, ${isOwnHost(url)} as is_own_host, ${jsonOf(endpointColumns, sql`changed`)} as found`)
  return row ?? { ...NOTHING, isOwnHost: false }
}

/** As many of its deliveries go with an endpoint, in the same statement. */
const MAX_DELETED = 1000

/**
 * Deletes the endpoint, and with it its deliveries. One that has too many for one statement is disabled for good and shown
 * to no one from now on; they go in batches (settling.ts), and it with the last of them.
 */
export async function deleteEndpoint(
  ctx: Writer,
  caller: AdminOrKey,
  endpointId: string,
): Promise<Outcome<{ id: string }>> {
  const [row] = await rowsOf(
    ctx.db,
    outcomeOf(v.object({ id: v.string() })),
  )(sql`
    with ${callerOf(caller, ctx.host)},
    size as (
      select count(*) > ${MAX_DELETED} as is_large from (
        select from webhook_deliveries where endpoint_id = ${endpointId} limit ${MAX_DELETED + 1}) as counted),
    deleted as (
      delete from webhook_endpoints using caller, size where ${isEndpointOfCaller(endpointId)} and not is_large
      returning id, webhook_endpoints.tenant_id),
    hidden as (
      update webhook_endpoints set state = 'disabled', disabled_reason = 'deleted', deleted_at = clock_timestamp(),
        sealed_previous_secret = null, previous_secret_expires_at = null, updated_at = clock_timestamp()
      from caller, size where ${isEndpointOfCaller(endpointId)} and is_large
      returning id, webhook_endpoints.tenant_id),
    gone as (select * from deleted union all select * from hidden),
    recorded as (${recordEvent(ctx, 'webhook.deleted', happened(sql`gone`), byCaller(caller))})
    select ${callerRow}, (select jsonb_build_object('id', id) from gone) as found`)
  return row ?? NOTHING
}

/** The secret of until now becomes the previous one, for a day; the one before it is gone at once. */
export async function replaceSecret(
  ctx: Writer,
  caller: Admin,
  endpointId: string,
  sealedSecret: string,
): Promise<Outcome<{ previousExpiresAt: Date }>> {
  const [row] = await rowsOf(
    ctx.db,
    outcomeOf(v.object({ previousExpiresAt: Time })),
  )(sql`
    with ${callerOf(caller, ctx.host)},
    rotated as (
      update webhook_endpoints set sealed_previous_secret = sealed_secret, sealed_secret = ${sealedSecret},
        previous_secret_expires_at = clock_timestamp() + make_interval(secs => ${OVERLAP_SECONDS}),
        updated_at = clock_timestamp()
      from caller where ${isEndpointOfCaller(endpointId)}
      returning webhook_endpoints.*),
    recorded as (${recordEvent(ctx, 'webhook.secret_rotated', happened(sql`rotated`), byCaller(caller))})
    select ${callerRow},
      (select jsonb_build_object('previousExpiresAt', previous_secret_expires_at) from rotated) as found`)
  return row ?? NOTHING
}
