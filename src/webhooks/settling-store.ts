/** The SQL of settling what will never be delivered: in batches, each a whole step that any number of runs may do at once. */
import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { JobContext } from '../context.ts'
import { recordEvent } from '../events/outbox.ts'
import { rowsOf } from '../storage/rows.ts'
import { BY_NO_ONE } from './health-store.ts'

type Storage = Pick<JobContext, 'db'>

/** Why something at an endpoint is to be settled. */
const CAUSES = ['too_old', 'endpoint_disabled', 'endpoint_deleted'] as const
export type Cause = (typeof CAUSES)[number]

export type Unsettled = { endpointId: string; cause: Cause }

/** An administrator who disables an endpoint may enable it again soon, and then what waited is delivered. */
const KEPT_SECONDS = 3600

/** Of `webhook_endpoints`: what waits for it is not delivered any more. */
const isDisabled = sql`
  (state = 'disabled' and (disabled_reason is distinct from 'by_admin'
    or updated_at <= statement_timestamp() - make_interval(secs => ${KEPT_SECONDS})))`

/** Endpoints with something to settle: one look into an index for each endpoint that there is. */
export async function findUnsettled({ db }: Storage): Promise<Unsettled[]> {
  const rows = await rowsOf(db, { id: v.string(), cause: v.picklist(CAUSES) })(sql`
    select endpoint.id, endpoint.cause from (
      select id, case when deleted_at is not null then 'endpoint_deleted' when ${isDisabled} then 'endpoint_disabled'
          else 'too_old' end as cause
      from webhook_endpoints) as endpoint
    left join lateral (
      select true as is_there from webhook_deliveries
      where endpoint_id = endpoint.id and state = 'pending'
        and expires_at <= case endpoint.cause when 'too_old' then statement_timestamp() else 'infinity' end
      order by expires_at limit 1) as pending on true
    where pending.is_there or endpoint.cause = 'endpoint_deleted'`)
  return rows.map(({ id, cause }) => ({ endpointId: id, cause }))
}

const COUNT = { count: v.number() }

/** What waits for an endpoint, if `cause` is still so: dead, unless it is under way now. @returns how many */
export async function endDeliveries(
  ctx: JobContext,
  { endpointId, cause }: { endpointId: string; cause: 'too_old' | 'endpoint_disabled' },
  most: number,
): Promise<number> {
  const isOld = cause === 'too_old'
  // Told once for a batch: of a receiver that is down, thousands grow old together.
  const happened = sql`
    select tenant_id, null::uuid as subject,
      jsonb_build_object('endpoint_id', ${endpointId}::text, 'deliveries', count(*)) as data
    from ended where ${isOld} group by tenant_id`
  const [row] = await rowsOf(
    ctx.db,
    COUNT,
  )(sql`
    with waiting as (
      select id from webhook_deliveries
      where endpoint_id = ${endpointId} and state = 'pending'
        and expires_at <= ${isOld ? sql`statement_timestamp()` : sql`'infinity'`}
        and (claimed_until is null or claimed_until <= statement_timestamp())
        and ${
          isOld
            ? sql`true`
            : sql`exists (
          select from webhook_endpoints where id = ${endpointId} and ${isDisabled})`
        }
      order by expires_at limit ${most} for no key update skip locked),
    ended as (
      update webhook_deliveries set state = 'dead', dead_reason = ${cause}, settled_at = clock_timestamp(),
        claimed_until = null
      where id in (select id from waiting) returning tenant_id),
    recorded as (${recordEvent(ctx, 'webhook.deliveries_expired', happened, BY_NO_ONE)})
    select count(*)::int as count from ended`)
  return row?.count ?? 0
}

/** Deliveries of an endpoint that was deleted, and with the last of them the endpoint itself. @returns how many */
export async function deleteDeliveries({ db }: Storage, endpointId: string, most: number): Promise<number> {
  const [row] = await rowsOf(
    db,
    COUNT,
  )(sql`
    with old as (
      select id from webhook_deliveries where endpoint_id = ${endpointId} order by id limit ${most}
      for update skip locked),
    gone as (
      delete from webhook_deliveries where id in (select id from old) and exists (
        select from webhook_endpoints where id = ${endpointId} and deleted_at is not null)
      returning id)
    select count(*)::int as count from gone`)
  const count = row?.count ?? 0
  if (count < most)
    await db.execute(sql`
      delete from webhook_endpoints where id = ${endpointId} and deleted_at is not null
        and not exists (select from webhook_deliveries where endpoint_id = ${endpointId})`)
  return count
}
