/**
 * The SQL of claiming: what is due at an endpoint, oldest first, a few at a time. What a claim reads is at the front of an
 * index, so it costs the same whatever waits behind. `statement_timestamp()`, because an index can be asked for what is
 * before it: `clock_timestamp()` is another time for each row, so each row that waits would be read.
 */
import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { JobContext } from '../context.ts'
import { rowsOf } from '../storage/rows.ts'
import { FAILURES_TO_OPEN, isNotPaused } from './health-store.ts'
import type { SealedSecrets } from './secrets.ts'

type Storage = Pick<JobContext, 'db'>

/** How many deliveries to one endpoint are under way at a time, from all Workers together. */
export const MAX_IN_FLIGHT = 4

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

const CLAIMED = {
  id: v.string(),
  tenantId: v.string(),
  endpointId: v.string(),
  eventId: v.string(),
  payload: v.string(),
  attempts: v.number(),
  url: v.string(),
  isOwnHost: v.boolean(),
  sealedSecret: v.string(),
  sealedPreviousSecret: v.nullable(v.string()),
}

/** It is time, and no one is delivering it. */
const isDue = sql`webhook_deliveries.state = 'pending' and webhook_deliveries.next_attempt_at <= statement_timestamp()
  and (webhook_deliveries.claimed_until is null or webhook_deliveries.claimed_until <= statement_timestamp())`

/**
 * Claims the oldest of what is due at an endpoint: `most` at once, but no more than may be under way there, and one alone
 * while the endpoint fails. The endpoint's row is locked first, in a statement of its own, so that each claim counts what
 * the one before it committed; no lock is held while anything is delivered.
 */
export async function claimDeliveries(
  { db }: Storage,
  endpointId: string,
  { most, leaseSeconds }: { most: number; leaseSeconds: number },
): Promise<ClaimedDelivery[]> {
  const lock = db.execute(sql`
    select id from webhook_endpoints where id = ${endpointId} and state = 'enabled' and ${isNotPaused}
    for no key update`)
  const claim = rowsOf(
    db,
    CLAIMED,
  )(sql`
    with endpoint as (
      select webhook_endpoints.*,
        case when consecutive_failures < ${FAILURES_TO_OPEN} then ${MAX_IN_FLIGHT} else 1 end - (
          select count(*) from (
            select from webhook_deliveries
            where endpoint_id = ${endpointId} and webhook_deliveries.state = 'pending'
              and claimed_until > statement_timestamp() limit ${MAX_IN_FLIGHT}) as under_way) as free
      from webhook_endpoints where id = ${endpointId} and state = 'enabled' and ${isNotPaused}),
    front as (
      select id, next_attempt_at from webhook_deliveries
      where endpoint_id = ${endpointId} and ${isDue}
      order by next_attempt_at, id limit ${Math.min(most, MAX_IN_FLIGHT)}
      for no key update skip locked),
    due as (
      select id from front order by next_attempt_at, id
      limit (select coalesce(greatest(0, max(free)), 0) from endpoint))
    update webhook_deliveries set claimed_until = clock_timestamp() + make_interval(secs => ${leaseSeconds})
    from endpoint
    where webhook_deliveries.id in (select id from due)
    returning webhook_deliveries.id, webhook_deliveries.tenant_id, endpoint_id, event_id, payload, attempts,
      endpoint.url, endpoint.sealed_secret,
      case when endpoint.previous_secret_expires_at > clock_timestamp() then endpoint.sealed_previous_secret end
        as sealed_previous_secret,
      exists (select from tenant_hosts where host = split_part(endpoint.url, '/', 3)) as is_own_host`)
  const [, claimed] = await db.batch([lock, claim])
  return claimed.map(({ sealedSecret, sealedPreviousSecret, ...delivery }) => ({
    ...delivery,
    secrets: { id: delivery.endpointId, sealedSecret, sealedPreviousSecret },
  }))
}

/** Enabled endpoints with something that is due and that may be asked: one look into the index for each. */
export async function findDueEndpoints({ db }: Storage): Promise<string[]> {
  const rows = await rowsOf(db, { id: v.string() })(sql`
    select webhook_endpoints.id from webhook_endpoints cross join lateral (
      select from webhook_deliveries where endpoint_id = webhook_endpoints.id and ${isDue}
      order by next_attempt_at, webhook_deliveries.id limit 1) as due
    where webhook_endpoints.state = 'enabled' and ${isNotPaused}`)
  return rows.map(({ id }) => id)
}
