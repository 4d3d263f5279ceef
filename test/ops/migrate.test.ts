/** Migrations beside requests: who waits for whom, and what a run that was cut off leaves behind. */
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import { migrate, parseMigration } from '../../ops/migrate.ts'
import { useService } from '../support/service.ts'

const service = useService()
const silent = () => {}

let made = 0
let table = ''

beforeEach(async () => {
  made += 1
  table = `migrated_${made}`
  await service().sql(`create table ${table} (id int primary key, word text)`)
  await service().sql(`insert into ${table} select n, md5(n::text) from generate_series(1, 1000) n`)
})

const apply = (text: string, say: (line: string) => void = silent, name = table) =>
  migrate(service().operator.db, [parseMigration(name, text)], say)

const isRecorded = async () =>
  (await service().sql('select from schema_migrations where name = $1', [table])).length === 1

const columns = async () =>
  (
    await service().sql<{ column_name: string }>(
      'select column_name from information_schema.columns where table_name = $1',
      [table],
    )
  ).map(({ column_name }) => column_name)

const validityOf = (index: string) =>
  service().sql(`select indisvalid as valid from pg_index where indexrelid = to_regclass($1)`, [index])

/** Waits until PostgreSQL answers rows: its own view of what waits is what is asked. */
async function until(query: string): Promise<void> {
  for (let looks = 0; looks < 500; looks++) {
    if ((await service().sql(query)).length > 0) return
    await delay(20)
  }
  throw new Error(`never happened: ${query}`)
}

const waitsFor = (text: string) =>
  until(
    `select from pg_stat_activity where state = 'active' and wait_event_type = 'Lock' and query ilike '${text}%'`,
  )

describe('piles 17: a migration that waits for a lock', () => {
  test('lets requests go first, and is applied once the lock is free', async () => {
    const holder = await service().connect()
    await holder.query('begin')
    await holder.query(`select from ${table}`)
    const migrated = apply(`alter table ${table} add column added text`)
    await waitsFor('alter table')
    // Without a limit to its wait this read would wait behind it until the holder is done.
    await service().operator.db.execute(sql.raw(`select word from ${table} where id = 7`))
    expect(await columns()).not.toContain('added')
    await holder.query('commit')
    await holder.end()
    expect(await migrated).toEqual([table])
    expect(await columns()).toContain('added')
  })

  test('is applied wholly and once by ten runs at a time', async () => {
    const runs = Array.from({ length: 10 }, () =>
      apply(
        `alter table ${table} add column added text;--> statement-breakpoint\nupdate ${table} set id = id + 1000`,
      ),
    )
    await Promise.all(runs)
    expect(await service().sql(`select min(id), max(id) from ${table}`)).toEqual([{ min: 1001, max: 2000 }])
  })

  test('is not applied in part when a statement of it fails', async () => {
    const failing = apply(`alter table ${table} add column added text;--> statement-breakpoint\nselect 1 / 0`)
    await expect(failing).rejects.toThrow()
    expect(await columns()).not.toContain('added')
    expect(await isRecorded()).toBe(false)
  })
})

describe('piles 17: an index on a table that is in use', () => {
  const INDEX = () => `${table}_word`
  const CREATE = () => `CREATE INDEX CONCURRENTLY "${INDEX()}" ON "${table}" USING btree ("word");`

  test('is made while rows are written', async () => {
    const writer = await service().connect()
    await writer.query('begin')
    await writer.query(`update ${table} set word = 'held' where id = 1`)
    const migrated = apply(CREATE())
    await waitsFor('create index concurrently')
    await service().sql(`update ${table} set word = 'free' where id = 2`)
    await writer.query('commit')
    await writer.end()
    expect(await migrated).toEqual([table])
    expect(await validityOf(INDEX())).toEqual([{ valid: true }])
    expect(await apply(CREATE()), 'a second run').toEqual([])
  })

  test('that a run left unfinished is made again by the next', async () => {
    const holder = await service().connect()
    await holder.query('begin')
    await holder.query(`update ${table} set word = 'held' where id = 1`)
    const cut = expect(apply(CREATE())).rejects.toThrow(/was not finished/)
    await waitsFor('create index concurrently')
    await service().sql(
      `select pg_cancel_backend(pid) from pg_stat_activity where query ilike 'create index concurrently%' and state = 'active'`,
    )
    await cut
    await holder.query('commit')
    await holder.end()
    expect(await validityOf(INDEX())).toEqual([{ valid: false }])
    expect(await isRecorded()).toBe(false)
    const said: string[] = []
    expect(await apply(CREATE(), (line) => said.push(line))).toEqual([table])
    expect(await validityOf(INDEX())).toEqual([{ valid: true }])
    expect(said).toEqual([expect.stringMatching(/left unfinished/), expect.stringMatching(/^creating index/)])
  })

  test('is waited for by a second run, which does not drop what the first is making', async () => {
    const holder = await service().connect()
    await holder.query('begin')
    await holder.query(`update ${table} set word = 'held' where id = 1`)
    const first = apply(CREATE())
    await waitsFor('create index concurrently')
    const said: string[] = []
    const second = apply(CREATE(), (line) => said.push(line))
    for (let looks = 0; said.length === 0 && looks < 500; looks++) await delay(20)
    await holder.query('commit')
    await holder.end()
    await Promise.all([first, second])
    expect(said).toEqual([expect.stringMatching(/being created by another run/)])
    expect(await validityOf(INDEX())).toEqual([{ valid: true }])
    expect(await isRecorded()).toBe(true)
  })

  test('goes away the same way', async () => {
    await apply(CREATE())
    await apply(`DROP INDEX CONCURRENTLY IF EXISTS "${INDEX()}"`, silent, `${table}_drop`)
    expect(await validityOf(INDEX())).toEqual([])
  })

  test('is alone in its migration', async () => {
    const mixed = apply(`${CREATE()}--> statement-breakpoint\nalter table ${table} add column added text`)
    await expect(mixed).rejects.toThrow(/mixes concurrent indexes/)
    expect(await validityOf(INDEX())).toEqual([])
  })
})
