/** The SQL of what administrators see of deliveries, and ask for: a test, or that something is delivered once more. */
import { and, desc, eq, type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { recordEvent } from '../events/outbox.ts'
import { callerOf, callerRow } from '../guard/caller-store.ts'
import type { AdminOrKey } from '../guard/demands.ts'
import { rowsOf } from '../storage/rows.ts'
import { webhookDeliveries, webhookEndpoints } from '../storage/schema.ts'
import {
  byCaller,
  happened,
  isEndpointOfCaller,
  isEndpointOfHost,
  type Outcome,
  outcomeOf,
  type Storage,
  type Writer,
} from './store.ts'

export type DeliveryState = (typeof webhookDeliveries.$inferSelect)['state']

/** After every id that there is. */
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

const listed = (parts: readonly unknown[]) =>
  sql.join(
    parts.map((part) => sql`${part}`),
    sql`, `,
  )

/** No row where there is no such endpoint; one without a delivery where it has none. */
export function listDeliveries(
  ctx: Storage,
  endpointId: string,
  { state, after, limit }: { state: DeliveryState | undefined; after: string | null; limit: number },
) {
  // A page by the index, before it is joined: the planner does not see that there is one endpoint at most. Compared as
  // rows and ordered by all of them, because with `=` it would also read all that others were sent, by id.
  const { endpointId: of, state: is, id } = webhookDeliveries
  const [columns, start] =
    state === undefined
      ? [[of], [endpointId]]
      : [
          [of, is],
          [endpointId, state],
        ]
  const page = ctx.db
    .select()
    .from(webhookDeliveries)
    .where(
      and(
        sql`(${listed(columns)}) >= (${listed(start)})`,
        sql`(${listed([...columns, id])}) < (${listed([...start, after ?? LAST_ID])})`,
      ),
    )
    .orderBy(...[...columns, id].map((column) => desc(column)))
    .limit(limit)
    .as('page')
  return ctx.db
    .select({
      delivery: {
        id: page.id,
        eventId: page.eventId,
        type: page.type,
        state: page.state,
        attempts: page.attempts,
        nextAttemptAt: page.nextAttemptAt,
        lastStatus: page.lastStatus,
        lastError: page.lastError,
        lastDurationMs: page.lastDurationMs,
        deadReason: page.deadReason,
        createdAt: page.createdAt,
        settledAt: page.settledAt,
      },
    })
    .from(webhookEndpoints)
    .leftJoin(page, eq(page.tenantId, webhookEndpoints.tenantId))
    .where(isEndpointOfHost(ctx, endpointId))
    .orderBy(desc(page.id))
}

/** Member of a `with`: an administrator does not wait for the time at which an endpoint that fails is asked again. */
const askedNow = (endpointId: string) => sql`
  asked_now as (
    update webhook_endpoints set paused_until = null from caller
    where ${isEndpointOfCaller(endpointId)} and state = 'enabled' and paused_until is not null)`

/** A delivery of `payload` to this endpoint alone. */
export async function insertTestDelivery(
  ctx: Storage,
  caller: AdminOrKey,
  endpointId: string,
  { deliveryId, eventId, payload }: { deliveryId: string; eventId: string; payload: string },
): Promise<Outcome<{ id: string }>> {
  const [row] = await rowsOf(
    ctx.db,
    outcomeOf(v.object({ id: v.string() })),
  )(sql`
    with ${callerOf(caller, ctx.host)},
    ${askedNow(endpointId)},
    made as (
      insert into webhook_deliveries (id, tenant_id, endpoint_id, event_id, type, payload)
      select ${deliveryId}::uuid, webhook_endpoints.tenant_id, id, ${eventId}::uuid, 'webhook.test', ${payload}
      from webhook_endpoints join caller using (tenant_id)
      where id = ${endpointId} and state = 'enabled'
      returning id)
    select ${callerRow}, (select jsonb_build_object('id', id) from made) as found`)
  return row ?? { caller: null, found: null }
}

/** What is asked for again: one delivery, or those since a time, the oldest thousand. */
export type Replay = { deliveryId: string } | { since: string; state: 'dead' | 'all' }

const MAX_REPLAYED = 1000

/**
 * Ids of what may be wanted: of each state the front of an index, so that it costs the same whatever else there is. What
 * is locked is looked at again.
 */
function candidatesOf(endpointId: string, replay: Replay): SQL {
  if ('deliveryId' in replay) return sql`select ${replay.deliveryId}::uuid`
  const states = replay.state === 'dead' ? sql`('dead')` : sql`('dead'), ('delivered')`
  return sql`
    select oldest.id from (values ${states}) as settled (state) cross join lateral (
      select webhook_deliveries.id, created_at from webhook_deliveries
      where endpoint_id = ${endpointId} and webhook_deliveries.state = settled.state
        and webhook_deliveries.state <> 'pending' and created_at >= ${replay.since}::timestamptz
      order by created_at, webhook_deliveries.id limit ${MAX_REPLAYED}) as oldest
    order by oldest.created_at, oldest.id limit ${MAX_REPLAYED}`
}

/**
 * Makes deliveries due again from their first attempt on, with the id and the body they had. One that is under way stays
 * with the Worker that delivers it.
 */
export async function replayDeliveries(
  ctx: Writer,
  caller: AdminOrKey,
  endpointId: string,
  replay: Replay,
): Promise<Outcome<{ deliveries: number }>> {
  const isStillWanted =
    'deliveryId' in replay
      ? sql`true`
      : sql`webhook_deliveries.state ${replay.state === 'dead' ? sql`= 'dead'` : sql`<> 'pending'`}`
  const count = sql`jsonb_build_object('deliveries', (select count(*) from due))`
  // First, in a statement of its own: an endpoint is locked before its deliveries, here as where they are delivered.
  const ask = ctx.db.execute(sql`
    with ${callerOf(caller, ctx.host)}, ${askedNow(endpointId)} select`)
  const replayed = rowsOf(
    ctx.db,
    outcomeOf(v.object({ deliveries: v.number() })),
  )(sql`
    with ${callerOf(caller, ctx.host)},
    endpoint as (
      select id, webhook_endpoints.tenant_id from webhook_endpoints join caller using (tenant_id)
      where id = ${endpointId} and state = 'enabled'),
    wanted as (
      select webhook_deliveries.id from webhook_deliveries join endpoint on endpoint.id = webhook_deliveries.endpoint_id
      where webhook_deliveries.id = any(array(${candidatesOf(endpointId, replay)})) and ${isStillWanted}
      order by webhook_deliveries.id for no key update of webhook_deliveries),
    due as (
      update webhook_deliveries set state = 'pending', attempts = 0, next_attempt_at = clock_timestamp(),
        expires_at = default, dead_reason = null, settled_at = null
      where id in (select id from wanted) returning id),
    asked as (select * from endpoint where exists (select from due)),
    recorded as (${recordEvent(ctx, 'webhook.replayed', happened(sql`asked`, count), byCaller(caller))})
    select ${callerRow}, (select ${count} from endpoint) as found`)
  const [, [row]] = await ctx.db.batch([ask, replayed])
  return row ?? { caller: null, found: null }
}
