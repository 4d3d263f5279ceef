/** The SQL of deliveries: how they are made, and how each attempt is settled. */
import { and, eq, inArray, sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { JobContext } from '../context.ts'
import { recordEvent } from '../events/outbox.ts'
import { rowsOf } from '../storage/rows.ts'
import { webhookEndpoints } from '../storage/schema.ts'
import type { Attempt } from './attempt.ts'
import type { ClaimedDelivery } from './claim-store.ts'
import { answered, BY_NO_ONE, failed, gone, pause } from './health-store.ts'

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
  const rows = await rowsOf(db, { endpointId: v.string() })(sql`
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
  return rows.map(({ endpointId }) => endpointId)
}

/** What every attempt leaves behind. */
const attempted = ({ status, error, durationMs }: Attempt) => sql`
  attempts = attempts + 1, claimed_until = null, last_status = ${status}, last_error = ${error},
  last_duration_ms = ${durationMs}`

const isPending = ({ id }: ClaimedDelivery) =>
  sql`webhook_deliveries.id = ${id} and webhook_deliveries.state = 'pending'`

/** It has failed as often as when it was claimed: no other attempt counted meanwhile, and no one asked to begin again. */
const isAsClaimed = (delivery: ClaimedDelivery) =>
  sql`${isPending(delivery)} and attempts = ${delivery.attempts}`

/** It has arrived, even if it was claimed again meanwhile. */
export async function settleDelivered(
  ctx: Storage,
  delivery: ClaimedDelivery,
  attempt: Attempt,
): Promise<void> {
  const settled = ctx.db.execute(sql`
    update webhook_deliveries set ${attempted(attempt)}, state = 'delivered', settled_at = clock_timestamp()
    where ${isPending(delivery)}`)
  await ctx.db.batch([answered(ctx, delivery.endpointId), settled])
}

/** It is due again later, and its endpoint has failed once more. */
export async function settleFailed(
  ctx: JobContext,
  delivery: ClaimedDelivery,
  attempt: Attempt,
  seconds: number,
): Promise<void> {
  const settled = ctx.db.execute(sql`
    update webhook_deliveries set ${attempted(attempt)},
      next_attempt_at = clock_timestamp() + make_interval(secs => ${seconds})
    where ${isAsClaimed(delivery)}`)
  await ctx.db.batch([failed(ctx, delivery.endpointId), settled])
}

/** It was no attempt: it is due again later, with whatever else waits for the endpoint, and nothing else has changed. */
export async function postpone(ctx: Storage, delivery: ClaimedDelivery, seconds: number): Promise<void> {
  const settled = ctx.db.execute(sql`
    update webhook_deliveries set claimed_until = null,
      next_attempt_at = clock_timestamp() + make_interval(secs => ${seconds})
    where ${isAsClaimed(delivery)}`)
  await ctx.db.batch([pause(ctx, delivery.endpointId, seconds), settled])
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
  const settled = ctx.db.execute(sql`
    with dead as (
      update webhook_deliveries set ${attempted(attempt)}, state = 'dead', dead_reason = 'attempts',
        settled_at = clock_timestamp()
      where ${isAsClaimed(delivery)} returning *)
    ${recordEvent(ctx, 'webhook.delivery_dead', happened, BY_NO_ONE)}`)
  await ctx.db.batch([failed(ctx, delivery.endpointId), settled])
}

/** 410 Gone: what waits for the endpoint is dead within minutes (settling.ts), this one at once. */
export async function settleGone(
  ctx: JobContext,
  delivery: ClaimedDelivery,
  attempt: Attempt,
): Promise<void> {
  const settled = ctx.db.execute(sql`
    update webhook_deliveries set ${attempted(attempt)}, state = 'dead', dead_reason = 'endpoint_disabled',
      settled_at = clock_timestamp()
    where ${isAsClaimed(delivery)}`)
  await ctx.db.batch([gone(ctx, delivery.endpointId), settled])
}
