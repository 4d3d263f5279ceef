/** The events that a sink could not take: how often, when they are tried again, and which are parked. */
import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { type Row, rowsOf } from '../storage/rows.ts'

type Storage = Pick<Context, 'db'>

/** After the first refusal two minutes, then twice as long each time, at most an hour. */
const LONGEST_WAIT_SECONDS = 3600
/** About three hours after the first: a bad release has been noticed by then, and can be undone without a replay. */
export const MAX_REFUSALS = 8

const PARKED = {
  id: v.string(),
  tenantId: v.string(),
  type: v.string(),
  sink: v.string(),
  refusals: v.number(),
}
export type Parked = Row<typeof PARKED>

/**
 * Counts a refusal of each and parks those that have been refused too often. Two sweeps at once count one.
 * @returns what was parked by this
 */
export async function countRefusals(
  { db }: Storage,
  refused: ReadonlyMap<string, string>,
): Promise<Parked[]> {
  const given = JSON.stringify([...refused].map(([id, sink]) => ({ id, sink })))
  const rows = await rowsOf(db, { ...PARKED, isParked: v.boolean() })(sql`
    with refused as (
      select events.id, given.sink from events
      join jsonb_to_recordset(${given}::jsonb) as given(id uuid, sink text) on given.id = events.id
      where dispatched_at is null and parked_at is null and (retry_at is null or retry_at <= now())
      order by events.id for update of events)
    update events set refusals = refusals + 1, refused_by = refused.sink,
      retry_at = now() + make_interval(secs => least(60 * 2 ^ (refusals + 1), ${LONGEST_WAIT_SECONDS})),
      parked_at = case when refusals + 1 >= ${MAX_REFUSALS} then now() end
    from refused where events.id = refused.id
    returning events.id, tenant_id, type, refused_by as sink, refusals, parked_at is not null as is_parked`)
  return rows.filter(({ isParked }) => isParked).map(({ isParked, ...row }) => row)
}

/** The first `limit` parked events after the id `after`. */
export async function findParked({ db }: Storage, after: string, limit: number): Promise<Parked[]> {
  return rowsOf(
    db,
    PARKED,
  )(sql`
    select id, tenant_id, type, refused_by as sink, refusals from events
    where parked_at is not null and dispatched_at is null and id > ${after}::uuid order by id limit ${limit}`)
}

/** Has the next sweep try these again, from the first refusal. @returns how many were parked */
export async function unpark({ db }: Storage, ids: readonly string[]): Promise<number> {
  const { rows } = await db.execute(sql`
    with parked as (
      select id from events
      where id in (select value::uuid from jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb)) and parked_at is not null
      order by id for update)
    update events set parked_at = null, retry_at = null, refusals = 0 from parked where events.id = parked.id
    returning events.id`)
  return rows.length
}
