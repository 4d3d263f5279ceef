/**
 * What names a key of AUTH_KEYS. Large tables are never read whole: a report looks at both ends of each, in the order of
 * its primary key, which is that of time, so old keys are at the old end; whether a key may go is asked page by page.
 */
import { type SQL, sql } from 'drizzle-orm'
import { openAnswer } from '../src/idempotency/idempotency.ts'
import { REDIS_KEYS } from '../src/storage/redis.ts'
import type { OperatorContext } from './context.ts'
import { SEALED_TABLES, type SealedTable } from './sealed-tables.ts'

export type KeyUse = {
  keyring: SealedTable['keyring']
  key_id: string
  used_by: string
  rows: number
  /** `all`, or which part of the rows was looked at. */
  of: string
}

/** Rows of an end that a report looks at. */
const END_ROWS = 10_000
/** Kept answers that a report opens. */
const OPENED_ANSWERS = 500

type Source = {
  usedBy: string
  keyring: SealedTable['keyring']
  table: string
  /** What the rows are read in the order of: an index has it. */
  order: string
  keyIds: SQL
  /** Which rows need the key: the others may name it as long as they like. */
  needed: SQL
}

const SOURCES: readonly Source[] = [
  ...SEALED_TABLES.map(({ usedBy, keyring, name, id, keyIds }) => ({
    usedBy,
    keyring,
    table: name,
    order: id,
    keyIds,
    needed: sql`true`,
  })),
  {
    usedBy: 'refresh tokens',
    keyring: 'AUTH_KEYS',
    table: 'refresh_tokens',
    order: 'id',
    keyIds: sql`values (key_id)`,
    needed: sql`expires_at > now()`,
  },
  {
    usedBy: 'codes, and links that are not mailed yet',
    keyring: 'AUTH_KEYS',
    table: 'one_time_tokens',
    order: 'id',
    keyIds: sql`values (key_id)`,
    // A link that was mailed is found by what it says; writing the mail, which is done or dropped within a day, needs the key.
    needed: sql`user_id is not null and consumed_at is null and expires_at > now()
      and created_at > now() - interval '1 day'`,
  },
]

/** Of every source, both ends. */
export async function findKeyUses(ctx: OperatorContext): Promise<KeyUse[]> {
  const found = await Promise.all(SOURCES.map((source) => sampleSource(ctx, source)))
  return [...found.flat(), ...(await sampleAnswers(ctx)), ...(await sampleAudit(ctx))]
}

type Counted = { key_id: string; rows: number; is_part: boolean }

async function count(
  db: OperatorContext['db'],
  { table, order: column, keyIds, needed }: Source,
): Promise<Counted[]> {
  const [from, order] = [sql.identifier(table), sql.identifier(column)]
  const end = (direction: SQL) => sql`
    (select * from ${from} order by ${order} ${direction} limit ${END_ROWS})`
  const { rows } = await db.execute<Counted>(sql`
    with oldest as materialized ${end(sql`asc`)}, newest as materialized ${end(sql`desc`)},
    bounds as (select (select count(*) from oldest) = ${END_ROWS} as is_part, (select max(${order}::text) from oldest) as last),
    looked_at as (
      select * from oldest
      union all select newest.* from newest, bounds where bounds.is_part and ${order}::text > bounds.last)
    select named.key_id, count(*)::int as rows, bool_or(bounds.is_part) as is_part
    from looked_at cross join bounds cross join lateral (${keyIds}) as named (key_id)
    where ${needed} and named.key_id is not null group by 1 order by 1`)
  return rows
}

const PART = `oldest and newest ${END_ROWS.toLocaleString('en')}`

async function sampleSource(ctx: OperatorContext, source: Source): Promise<KeyUse[]> {
  const rows = await count(ctx.db, source)
  return rows.map(({ key_id, rows: n, is_part }) => ({
    keyring: source.keyring,
    key_id,
    used_by: source.usedBy,
    rows: n,
    of: is_part ? PART : 'all',
  }))
}

/** Answers kept for a repeat; and the peppers of the passwords in them, as far as they open. */
async function sampleAnswers(ctx: OperatorContext): Promise<KeyUse[]> {
  const { rows } = await ctx.db.execute<{
    tenant_id: string
    actor: string
    operation: string
    key: string
    sealed_answer: string
  }>(sql`
    select tenant_id, actor, operation, key, sealed_answer from idempotency_keys
    where expires_at > now() order by expires_at limit ${END_ROWS}`)
  const of = rows.length < END_ROWS ? 'all' : `oldest ${END_ROWS.toLocaleString('en')}`
  const sealing = tally(rows.map(({ sealed_answer }) => sealed_answer.split('.')[0] ?? ''))
  const opened = await Promise.all(
    rows.slice(0, OPENED_ANSWERS).map(async ({ tenant_id, sealed_answer, ...key }) => {
      // Without the ring, or without that key, there is only the sealing to go by: both are of one Worker and one moment.
      const kept = await openAnswer(ctx, tenant_id, key, sealed_answer).catch(() => null)
      return kept?.passwordHash?.keyId ?? null
    }),
  )
  const peppers = tally(opened.filter((keyId) => keyId !== null))
  const part = rows.length <= OPENED_ANSWERS ? 'all' : `oldest ${OPENED_ANSWERS}`
  return [
    ...usesOf(sealing, 'answers kept for a repeat', of),
    ...usesOf(peppers, 'passwords in kept answers', part),
  ]
}

/** What an earlier release sealed of no one: three parts, of which the first is the key; two are under a row's own. */
async function sampleAudit({ auditDb }: OperatorContext): Promise<KeyUse[]> {
  const end = (direction: SQL) => sql`
    (select id, personal from audit_events where subject is null order by occurred_at ${direction}, id ${direction}
     limit ${END_ROWS})`
  const { rows } = await auditDb.execute<Counted>(sql`
    select split_part(personal, '.', 1) as key_id, count(*)::int as rows,
      (select count(*) from ${end(sql`asc`)} as oldest) = ${END_ROWS} as is_part
    from (select * from ${end(sql`asc`)} as oldest union select * from ${end(sql`desc`)} as newest) as looked_at
    where personal ~ '^[^.]+[.][^.]+[.][^.]+$' group by 1 order by 1`)
  return rows.map(({ key_id, rows: n, is_part }) => ({
    keyring: 'AUTH_KEYS',
    key_id,
    used_by: 'audit log, of no one',
    rows: n,
    of: is_part ? PART : 'all',
  }))
}

const SPILLED_PAGE = 1000

/** The list of attempts in Redis is capped, so it is read whole. */
export async function findSpilledUses({
  redis,
  trips,
}: Pick<OperatorContext, 'redis' | 'trips'>): Promise<KeyUse[]> {
  const ids: string[] = []
  try {
    for (let start = 0; ; start += SPILLED_PAGE) {
      const page = await redis.lrange<string>(REDIS_KEYS.spilledEvents, start, start + SPILLED_PAGE - 1)
      ids.push(...page.map((sealed) => sealed.split('.')[0] ?? ''))
      if (page.length < SPILLED_PAGE) return usesOf(tally(ids), 'attempts spilled to Redis', 'all')
    }
  } finally {
    trips.endAll('redis')
  }
}

function tally(ids: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1)
  return counts
}

const usesOf = (counts: Map<string, number>, used_by: string, of: string): KeyUse[] =>
  [...counts].map(([key_id, rows]) => ({ keyring: 'AUTH_KEYS', key_id, used_by, rows, of }))

const WALKED_ROWS = 20_000

/** How many rows need the key, of every source: all rows are read, a page at a time. */
export async function countNeeding(ctx: OperatorContext, keyId: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const source of SOURCES) {
    const rows = source.keyring === 'AUTH_KEYS' ? await walk(ctx, source, keyId) : 0
    if (rows > 0) counts.set(source.usedBy, rows)
  }
  const { rows } = await ctx.db.execute<{ n: number }>(sql`
    select count(*)::int as n from idempotency_keys
    where expires_at > now() and split_part(sealed_answer, '.', 1) = ${keyId}`)
  if (rows[0] && rows[0].n > 0) counts.set('answers kept for a repeat', rows[0].n)
  return counts
}

async function walk({ db }: OperatorContext, source: Source, keyId: string): Promise<number> {
  const order = sql.identifier(source.order)
  let after: string | null = null
  let found = 0
  for (;;) {
    const from: SQL = after === null ? sql`true` : sql`${order} > ${after}::uuid`
    const result: { rows: { last: string | null; n: number; read: number }[] } = await db.execute(sql`
      with page as (
        select * from ${sql.identifier(source.table)} where ${from} order by ${order} limit ${WALKED_ROWS})
      select max(${order}::text) as last, count(*)::int as read,
        (count(*) filter (where ${source.needed} and exists (
          select from (${source.keyIds}) as named (key_id) where named.key_id = ${keyId})))::int as n
      from page`)
    const [page] = result.rows
    found += page?.n ?? 0
    if (!page || page.read < WALKED_ROWS) return found
    after = page.last
  }
}
