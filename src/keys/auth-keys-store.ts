/** The SQL of the deployment's key ids: pieces of statements that run anyway, so that nothing here costs a trip. */
import { type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { Context, JobContext } from '../context.ts'
import { rowsOf } from '../storage/rows.ts'
import type { KeyedWorker, RingState } from './auth-keys.ts'

/** A Worker reports its ring at most this often, and only while a key is being handed out. */
const REPORT_SECONDS = 30

type Ring = Pick<Context, 'settings'>

const idsOf = ({ settings }: Ring) => settings.authKeys.map(({ keyId }) => keyId)
const listOf = (ids: string[]) =>
  sql.join(
    ids.map((id) => sql`${id}`),
    sql`, `,
  )
const ringText = (ctx: Ring) => idsOf(ctx).join(',')

/** For `db.select({ ring: ringState(ctx, worker), … })`: what `requireKeys` decides by. The table has a few rows. */
export const ringState = (ctx: Ring, worker: KeyedWorker) => sql<RingState>`(
  select jsonb_build_object(
    'lacking', coalesce(jsonb_agg(key_id order by key_id)
      filter (where in_use_since is not null and key_id not in (${listOf(idsOf(ctx))})), '[]'),
    'isNewestInUse', coalesce(bool_or(in_use_since is not null and key_id = ${idsOf(ctx)[0]}), false),
    'isReportDue', coalesce(bool_or(in_use_since is null), false) and not exists (
      select from deployed_keyrings where worker = ${worker} and key_ids = ${ringText(ctx)}
        and seen_at > now() - make_interval(secs => ${REPORT_SECONDS})))
  from auth_keys)`

/** The same in a row of hand-written SQL. */
export const RING = v.object({
  lacking: v.array(v.string()),
  isNewestInUse: v.boolean(),
  isReportDue: v.boolean(),
})

/**
 * A member of a `with`, `key_announced`: says that the ring's newest key is in use, where the member `made` has a row.
 * A ring that lacks a key in use says nothing: it is the one that is wrong, and must not make the others look so.
 * @param found a member that has the column `ring` of `ringState`, where the statement has one
 */
export function announceKey(ctx: Ring, made: SQL, found?: SQL): SQL {
  const ids = idsOf(ctx)
  const isToBeSaid = found
    ? sql`from ${found} where not (ring->>'isNewestInUse')::boolean and ring->'lacking' = '[]'`
    : sql`where (select bool_or(key_id = ${ids[0]} or key_id not in (${listOf(ids)})) from auth_keys
        where in_use_since is not null) is not true -- but null, while no key is in use
       `
  return sql`
    key_announced as (
      insert into auth_keys (key_id, in_use_since)
      select ${ids[0]}, clock_timestamp() ${isToBeSaid} and exists (select from ${made})
      on conflict (key_id) do update set in_use_since = coalesce(auth_keys.in_use_since, excluded.in_use_since))`
}

/** Writes that this Worker holds the ring that it holds. */
export async function reportKeyring(ctx: Ring & Pick<Context, 'db'>, worker: KeyedWorker): Promise<void> {
  await ctx.db.execute(sql`
    insert into deployed_keyrings (worker, key_ids) values (${worker}, ${ringText(ctx)})
    on conflict (worker, key_ids) do update set seen_at = now()`)
}

/** For a job, which has no statement to put it into. */
export async function findRingState(
  ctx: Pick<JobContext, 'settings' | 'db'>,
  worker: KeyedWorker,
): Promise<RingState | undefined> {
  const [row] = await rowsOf(ctx.db, { ring: RING })(sql`select ${ringState(ctx, worker)} as ring`)
  return row?.ring
}
