/**
 * What attempts say about an endpoint, in SQL. One that fails several times in a row is asked by one delivery at a time, at
 * longer and longer intervals, until it answers: a receiver that is down costs an attempt an interval, however much waits for
 * it. One that does nothing but fail for days is disabled, as Svix and Stripe do.
 * The statements are for the batch that settles the delivery, and come first in it: an endpoint is locked before its deliveries.
 */
import { type SQL, sql } from 'drizzle-orm'
import type { JobContext } from '../context.ts'
import { recordEvent } from '../events/outbox.ts'

type Storage = Pick<JobContext, 'db'>
type Writer = Storage & Parameters<typeof recordEvent>[0]

const DAY = 86_400

/** Failures in a row, of any of its deliveries, after which an endpoint is asked by one at a time. */
export const FAILURES_TO_OPEN = 5
/** Seconds until the first of these; twice as long after each that fails, up to the longest. */
const FIRST_PAUSE_SECONDS = 60
const LONGEST_PAUSE_SECONDS = 900

/** Without one success for so long, and after so many failures at least, an endpoint is disabled. */
const FAILING_SECONDS = 5 * DAY
const FAILURES_TO_DISABLE = 10

/** How long it is left alone, over `failures` in a row, the last one included: in seconds, null for not at all. */
const pauseSeconds = (failures: SQL): SQL => sql`
  case when ${failures} >= ${FAILURES_TO_OPEN}
    then least(${LONGEST_PAUSE_SECONDS}, ${FIRST_PAUSE_SECONDS} * 2 ^ least(10, ${failures} - ${FAILURES_TO_OPEN})) end`

/** Whether it has failed long enough, over `failures` as above and the time of the first of them. */
const isHopeless = (failures: SQL, since: SQL): SQL => sql`
  (${failures} >= ${FAILURES_TO_DISABLE}
    and ${since} <= statement_timestamp() - make_interval(secs => ${FAILING_SECONDS}))`

/** Of `webhook_endpoints`: it may be asked now. */
export const isNotPaused = sql`
  (webhook_endpoints.paused_until is null or webhook_endpoints.paused_until <= statement_timestamp())`

/** What makes an endpoint begin anew, for an administrator who has repaired it. */
export const BEGIN_ANEW = sql`consecutive_failures = 0, failing_since = null, paused_until = null`

/** An event that none but an administrator sees and that no one did; most runs of its statement record nothing. */
export const BY_NO_ONE: { actor: SQL; rare: boolean } = { actor: sql`null`, rare: true }

/** It answered: whatever failed before is forgotten. Of an endpoint in good health nothing is written, or locked. */
export const answered = ({ db }: Storage, endpointId: string) =>
  db.execute(sql`
    update webhook_endpoints set ${BEGIN_ANEW}
    where id = ${endpointId} and (consecutive_failures > 0 or paused_until is not null)`)

/**
 * It failed: once too often, and it is left alone for a while; for too long, and it is disabled. What was under way when
 * that was decided says nothing new, so it neither counts nor makes the pause longer.
 */
export function failed(ctx: Writer, endpointId: string) {
  const failures = sql`(consecutive_failures + 1)`
  const since = sql`coalesce(failing_since, statement_timestamp())`
  const isLast = isHopeless(failures, since)
  const happened = sql`
    select tenant_id, null::uuid as subject, jsonb_build_object('endpoint_id', id, 'reason', 'failing') as data
    from failed where state = 'disabled'`
  return ctx.db.execute(sql`
    with failed as (
      update webhook_endpoints set consecutive_failures = ${failures}, failing_since = ${since},
        paused_until = statement_timestamp() + make_interval(secs => ${pauseSeconds(failures)}),
        state = case when ${isLast} then 'disabled' else state end,
        disabled_reason = case when ${isLast} then 'failing' else disabled_reason end,
        updated_at = case when ${isLast} then statement_timestamp() else updated_at end
      where id = ${endpointId} and state = 'enabled' and ${isNotPaused} returning id, tenant_id, state)
    ${recordEvent(ctx, 'webhook.disabled', happened, BY_NO_ONE)}`)
}

/** Nothing can be delivered there for a reason of ours: it is left alone, and nothing is held against it. */
export const pause = ({ db }: Storage, endpointId: string, seconds: number) =>
  db.execute(sql`
    update webhook_endpoints set paused_until = greatest(paused_until, statement_timestamp() + make_interval(secs => ${seconds}))
    where id = ${endpointId} and state = 'enabled'`)

/** 410 Gone: it gets nothing more. */
export function gone(ctx: Writer, endpointId: string) {
  const happened = sql`
    select tenant_id, null::uuid as subject, jsonb_build_object('endpoint_id', id, 'reason', 'gone') as data from disabled`
  return ctx.db.execute(sql`
    with disabled as (
      update webhook_endpoints set state = 'disabled', disabled_reason = 'gone', updated_at = clock_timestamp()
      where id = ${endpointId} and state = 'enabled' returning id, tenant_id)
    ${recordEvent(ctx, 'webhook.disabled', happened, BY_NO_ONE)}`)
}
