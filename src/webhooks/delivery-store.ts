/** The SQL of delivering: claims that expire, and what becomes of a delivery. */
import { and, eq, inArray, type SQL, sql } from 'drizzle-orm'
import type { JobContext } from '../context.ts'
import { recordEvent } from '../events/outbox.ts'
import { webhookEndpoints } from '../storage/schema.ts'
import type { Attempt } from './attempt.ts'
import type { SealedSecrets } from './secrets.ts'

type Storage = Pick<JobContext, 'db'>

/** The enabled endpoints of these tenants. */
export function findSubscribers({ db }: Storage, tenantIds: string[]) {
  return db
    .select({ id: webhookEndpoints.id, tenantId: webhookEndpoints.tenantId, events: webhookEndpoints.events })
    .from(webhookEndpoints)
    .where(and(inArray(webhookEndpoints.tenantId, tenantIds), eq(webhookEndpoints.state, 'enabled')))
}

export type NewDelivery = {
  id: string
  tenantId: string
  endpointId: string
  eventId: string
  type: string
  payload: string
}

/**
 * Each event once for each endpoint that is enabled still; in one order, so that two consumers of the same events cannot
 * wait for each other. @returns the endpoints that got something
 */
export async function insertDeliveries(
  { db }: Storage,
  deliveries: readonly NewDelivery[],
): Promise<string[]> {
  const { rows } = await db.execute<{ endpoint_id: string }>(sql`
    with made as (
      insert into webhook_deliveries (id, tenant_id, endpoint_id, event_id, type, payload)
      select row.id, webhook_endpoints.tenant_id, webhook_endpoints.id, row."eventId", row.type, row.payload
      from jsonb_to_recordset(${JSON.stringify(deliveries)}::jsonb)
        as row(id uuid, "tenantId" uuid, "endpointId" uuid, "eventId" uuid, type text, payload text)
      join webhook_endpoints on webhook_endpoints.id = row."endpointId"
        and webhook_endpoints.tenant_id = row."tenantId" and webhook_endpoints.state = 'enabled'
      order by row."eventId", webhook_endpoints.id
      on conflict (event_id, endpoint_id) do nothing
      returning endpoint_id)
    select distinct endpoint_id from made`)
  return rows.map(({ endpoint_id }) => endpoint_id)
}

/** How many deliveries to one endpoint are under way at a time, whoever delivers them. */
const MAX_IN_FLIGHT = 4

export type ClaimedDelivery = {
  id: string
  tenantId: string
  endpointId: string
  eventId: string
  payload: string
  /** Failed ones so far. */
  attempts: number
  url: string
  /** The target is a host of ours, or has become one. */
  isOwnHost: boolean
  secrets: SealedSecrets
}

type ClaimedRow = {
  id: string
  tenant_id: string
  endpoint_id: string
  event_id: string
  payload: string
  attempts: number
  url: string
  is_own_host: boolean
  sealed_secret: string
  sealed_previous_secret: string | null
}

/**
 * Claims the oldest of what is due at an endpoint, unless as many are under way as may be. The endpoint's row is locked
 * first, in a statement of its own, so that each claim counts what the one before it committed.
 */
export async function claimDelivery(
  { db }: Storage,
  endpointId: string,
  leaseSeconds: number,
): Promise<ClaimedDelivery | null> {
  const lock = db.execute(sql`select id from webhook_endpoints where id = ${endpointId} for no key update`)
  const claim = db.execute<ClaimedRow>(sql`
    with endpoint as (
      select * from webhook_endpoints
      where id = ${endpointId} and state = 'enabled' and ${MAX_IN_FLIGHT} > (
        select count(*) from webhook_deliveries
        where endpoint_id = ${endpointId} and state = 'pending' and claimed_until > clock_timestamp())),
    due as (
      select webhook_deliveries.id from webhook_deliveries join endpoint on endpoint.id = endpoint_id
      where ${isDue} order by next_attempt_at limit 1
      for no key update of webhook_deliveries skip locked)
    update webhook_deliveries set claimed_until = clock_timestamp() + make_interval(secs => ${leaseSeconds})
    from endpoint
    where webhook_deliveries.id in (select id from due)
    returning webhook_deliveries.id, webhook_deliveries.tenant_id, endpoint_id, event_id, payload, attempts,
      endpoint.url, endpoint.sealed_secret,
      case when endpoint.previous_secret_expires_at > clock_timestamp() then endpoint.sealed_previous_secret end
        as sealed_previous_secret,
      exists (select from tenant_hosts where host = split_part(endpoint.url, '/', 3)) as is_own_host`)
  const [, claimed] = await db.batch([lock, claim])
  const [row] = claimed.rows
  return row ? claimedOf(row) : null
}

const claimedOf = (row: ClaimedRow): ClaimedDelivery => ({
  id: row.id,
  tenantId: row.tenant_id,
  endpointId: row.endpoint_id,
  eventId: row.event_id,
  payload: row.payload,
  attempts: row.attempts,
  url: row.url,
  isOwnHost: row.is_own_host,
  secrets: {
    id: row.endpoint_id,
    sealedSecret: row.sealed_secret,
    sealedPreviousSecret: row.sealed_previous_secret,
  },
})

/** It is time, and nobody is delivering it. */
const isDue = sql`webhook_deliveries.state = 'pending' and next_attempt_at <= clock_timestamp()
  and (claimed_until is null or claimed_until <= clock_timestamp())`

/** Enabled endpoints with something that is due. */
export async function findDueEndpoints({ db }: Storage): Promise<string[]> {
  const { rows } = await db.execute<{ id: string }>(sql`
    select id from webhook_endpoints where state = 'enabled' and exists (
      select from webhook_deliveries where endpoint_id = webhook_endpoints.id and ${isDue})`)
  return rows.map(({ id }) => id)
}

/** What every attempt leaves behind. */
const attempted = ({ status, error, durationMs }: Attempt) => sql`
  attempts = attempts + 1, claimed_until = null, last_status = ${status}, last_error = ${error},
  last_duration_ms = ${durationMs}`

const isPending = ({ id }: ClaimedDelivery) =>
  sql`webhook_deliveries.id = ${id} and webhook_deliveries.state = 'pending'`

/** It has failed as often as when it was claimed: nobody counted meanwhile, and nobody asked to begin again. */
const isAsClaimed = (delivery: ClaimedDelivery) =>
  sql`${isPending(delivery)} and attempts = ${delivery.attempts}`

/** It has arrived, even if it was claimed again meanwhile. */
export async function settleDelivered(
  { db }: Storage,
  delivery: ClaimedDelivery,
  attempt: Attempt,
): Promise<void> {
  await db.execute(sql`
    update webhook_deliveries set ${attempted(attempt)}, state = 'delivered', settled_at = clock_timestamp()
    where ${isPending(delivery)}`)
}

export async function settleFailed(
  { db }: Storage,
  delivery: ClaimedDelivery,
  attempt: Attempt,
  seconds: number,
): Promise<void> {
  await db.execute(sql`
    update webhook_deliveries set ${attempted(attempt)},
      next_attempt_at = clock_timestamp() + make_interval(secs => ${seconds})
    where ${isAsClaimed(delivery)}`)
}

/** It was no attempt: it is due again later, and nothing else has changed. */
export async function postpone({ db }: Storage, delivery: ClaimedDelivery, seconds: number): Promise<void> {
  await db.execute(sql`
    update webhook_deliveries set claimed_until = null,
      next_attempt_at = clock_timestamp() + make_interval(secs => ${seconds})
    where ${isAsClaimed(delivery)}`)
}

/** The last attempt failed: the administrators are told by the event. */
export async function settleDead(
  ctx: JobContext,
  delivery: ClaimedDelivery,
  attempt: Attempt,
): Promise<void> {
  const happened = sql`
    select tenant_id, null::uuid as subject, jsonb_build_object(
      'endpoint_id', endpoint_id, 'delivery_id', id, 'event_id', event_id) as data from dead`
  await ctx.db.execute(sql`
    with dead as (
      update webhook_deliveries set ${attempted(attempt)}, state = 'dead', settled_at = clock_timestamp()
      where ${isAsClaimed(delivery)} returning *)
    ${recordEvent(ctx, 'webhook.delivery_dead', happened, NOBODY)}`)
}

const NOBODY: { actor: SQL; rare: boolean } = { actor: sql`null`, rare: true }

/** 410 Gone: the endpoint gets nothing more, and what was waiting for it is dead. It is locked first, as a claim does. */
export async function settleGone(
  ctx: JobContext,
  delivery: ClaimedDelivery,
  attempt: Attempt,
): Promise<void> {
  const happened = sql`
    select tenant_id, null::uuid as subject, jsonb_build_object('endpoint_id', id, 'reason', 'gone') as data from disabled`
  const disable = ctx.db.execute(sql`
    with disabled as (
      update webhook_endpoints set state = 'disabled', disabled_reason = 'gone', updated_at = clock_timestamp()
      where id = ${delivery.endpointId} and state = 'enabled' returning id, tenant_id)
    ${recordEvent(ctx, 'webhook.disabled', happened, NOBODY)}`)
  const answered = ctx.db.execute(
    sql`update webhook_deliveries set ${attempted(attempt)} where ${isAsClaimed(delivery)}`,
  )
  const end = ctx.db.execute(sql`
    update webhook_deliveries set state = 'dead', settled_at = clock_timestamp(), claimed_until = null
    where endpoint_id = ${delivery.endpointId} and state = 'pending'`)
  await ctx.db.batch([disable, answered, end])
}
