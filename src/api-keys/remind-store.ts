/** The SQL of reminding of keys that end soon: each once, by one of any number of runs. */
import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { JobContext } from '../context.ts'
import { newId, recordEach } from '../events/outbox.ts'
import { rowsOf } from '../storage/rows.ts'

/** So long before its end; before that of a key with a short life, when a quarter of it is left. */
const NOTICE_DAYS = 7

/** Tells of the next keys that end soon, as events. @returns how many those were */
export async function remindOfNext(
  ctx: Pick<JobContext, 'db' | 'now' | 'random'>,
  { limit }: { limit: number },
): Promise<number> {
  const ids = Array.from({ length: limit }, () => newId(ctx))
  const [row] = await rowsOf(ctx.db, { reminded: v.number() })(sql`
    with due as (
      select id from api_keys
      where expires_at is not null and revoked_at is null and reminded_at is null
        and expires_at between clock_timestamp() and clock_timestamp() + make_interval(days => ${NOTICE_DAYS})
        and expires_at - clock_timestamp() <= (expires_at - created_at) / 4
      order by expires_at limit ${limit} for update skip locked),
    reminded as (
      update api_keys set reminded_at = clock_timestamp() from due where api_keys.id = due.id and api_keys.reminded_at is null
      returning api_keys.*),
    event as (
      select ids.id::uuid, tenant_id, user_id as subject, jsonb_build_object('api_key_id', reminded.id,
        'owner', case when user_id is null then 'tenant' else 'user' end, 'expires_at', expires_at) as data
      from (select *, row_number() over (order by id) as place from reminded) as reminded
      join jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb) with ordinality as ids (id, place) using (place)),
    recorded as (${recordEach('api_key.expiring', sql`select id, tenant_id, subject, data from event`, {
      actor: sql`null::uuid`,
      client: null,
      data: sql`data`,
    })})
    select (select count(*)::int from reminded) as reminded`)
  return row?.reminded ?? 0
}
