/** Neon's protocol as its own driver and drizzle speak it, against the local endpoint and a real PostgreSQL. */
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { NeonDbError, neon, neonConfig } from '@neondatabase/serverless'
import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/neon-http'
import { integer, pgTable, text, unique } from 'drizzle-orm/pg-core'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type NeonEndpoint, startNeonEndpoint } from '../../dev/neon-endpoint.ts'
import { type Postgres, startPostgres } from '../../dev/postgres.ts'

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 })

let directory: string
let postgres: Postgres
let endpoint: NeonEndpoint
/** Looks at the test's database, always outside a transaction: inside one, pg_stat_activity does not change. */
let admin: pg.Client
/** Holds the locks that the endpoint's sessions wait for. */
let locker: pg.Client
let databases = 0

const accounts = pgTable(
  'accounts',
  { id: integer().primaryKey(), email: text().notNull(), balance: integer().notNull().default(0) },
  (table) => [unique('accounts_email_unique').on(table.email)],
)

beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'latchkey-neon-'))
  postgres = await startPostgres({ dataDir: path.join(directory, 'postgres'), durable: false })
  endpoint = await startNeonEndpoint({ postgresPort: postgres.port })
  neonConfig.fetchEndpoint = (host, port) => `http://${host}:${port}/sql`
  admin = new pg.Client(postgres.url)
  await admin.connect()
  await admin.query(`create table accounts (id int primary key, email text not null, balance int not null default 0,
    constraint accounts_email_unique unique (email))`)
  await admin.query("insert into accounts values (1, 'ann@example.test', 100)")
  await admin.end()
})
afterAll(async () => {
  await endpoint?.stop()
  await postgres?.stop()
  // Not below `directory` when root's temporary directories are closed to others.
  for (const made of [postgres.dataDir, directory]) await rm(made, { recursive: true, force: true })
})

/** A database of the test's own, with one account. */
let database: string
beforeEach(async () => {
  database = `test_${++databases}`
  const url = await postgres.createDatabase(database, 'latchkey')
  admin = new pg.Client(url)
  locker = new pg.Client(url)
  await Promise.all([admin.connect(), locker.connect()])
  return async () => {
    await Promise.all([admin.end(), locker.end()])
    await postgres.dropDatabase(database)
  }
})

const connectionString = (password = 'latchkey', name = database) =>
  `postgresql://latchkey:${password}@127.0.0.1:${endpoint.port}/${name}`

const connect = () => neon(connectionString())

/** Until so many of the endpoint's sessions wait for a lock; PostgreSQL is asked, nothing is guessed from time. */
async function untilWaiting(sessions: number) {
  await untilRow(
    `select count(*)::int as sessions from pg_stat_activity
      where datname = current_database() and application_name = 'neon-endpoint' and wait_event_type = 'Lock'`,
    sessions,
  )
}

async function untilRow(query: string, sessions: number) {
  const deadline = Date.now() + 10_000
  for (;;) {
    const { rows } = await admin.query<{ sessions: number }>(query)
    if (rows[0]?.sessions === sessions) return
    if (Date.now() > deadline)
      throw new Error(`still ${rows[0]?.sessions} sessions, not ${sessions}: ${query}`)
  }
}

const balance = async () => (await admin.query('select balance from accounts where id = 1')).rows[0].balance

describe('a single statement', () => {
  test('brings back every column type as the driver knows it', async () => {
    const sql = connect()
    const moment = new Date('2026-11-21T10:00:00.123Z')
    const rows = await sql`select ${42}::int4 as i4, ${'9007199254740993'}::int8 as i8, ${1.5}::float8 as f8,
      ${'0.10'}::numeric as n, ${true}::bool as b, ${'é✓\n"\''}::text as t, ${null}::text as nothing,
      ${{ a: [1, 'é', null] }}::jsonb as j, ${[1, 2, 3]}::int[] as ints, ${['a,b', '"', null, '']}::text[] as texts,
      ${Buffer.from([0, 255, 10])}::bytea as bytes, ${moment}::timestamptz as moment, '{}'::int[] as none`
    expect(rows).toEqual([
      {
        i4: 42,
        i8: '9007199254740993',
        f8: 1.5,
        n: '0.10',
        b: true,
        t: 'é✓\n"\'',
        nothing: null,
        j: { a: [1, 'é', null] },
        ints: [1, 2, 3],
        texts: ['a,b', '"', null, ''],
        bytes: Buffer.from([0, 255, 10]),
        moment,
        none: [],
      },
    ])
  })

  test('reports fields, command and row count', async () => {
    const sql = neon(connectionString(), { fullResults: true, arrayMode: true })
    const result = await sql`update accounts set balance = 7 returning id, email`
    expect(result).toMatchObject({ command: 'UPDATE', rowCount: 1, rows: [[1, 'ann@example.test']] })
    expect(result.fields.map(({ name, dataTypeID }) => [name, dataTypeID])).toEqual([
      ['id', 23],
      ['email', 25],
    ])
    expect(await sql`create table t (i int)`).toMatchObject({ command: 'CREATE', rowCount: null, rows: [] })
  })

  test('answers raw JSON to a client that does not ask for text', async () => {
    const body = {
      query: 'select 1 as i, true as b, null as n, 2::int8 as big, $1::jsonb as j',
      params: [{ a: 1 }],
    }
    const response = await fetch(`http://127.0.0.1:${endpoint.port}/sql`, {
      method: 'POST',
      headers: { 'neon-connection-string': connectionString() },
      body: JSON.stringify(body),
    })
    expect(await response.json()).toMatchObject({
      rowAsArray: false,
      rows: [{ i: 1, b: true, n: null, big: '2', j: { a: 1 } }],
    })
  })

  test('refuses two statements in one text', async () => {
    await expect(connect().query('select 1; select 2')).rejects.toMatchObject({ code: '42601' })
  })

  test('counts one trip per request', async () => {
    const before = endpoint.trips()
    const sql = connect()
    await sql`select 1`
    await sql.transaction([sql`select 1`, sql`select 2`])
    expect(endpoint.trips() - before).toBe(2)
  })

  test('names its sessions neon-endpoint', async () => {
    const rows = await connect()`select application_name, current_database() as database
      from pg_stat_activity where pid = pg_backend_pid()`
    expect(rows).toEqual([{ application_name: 'neon-endpoint', database }])
  })
})

describe('an error', () => {
  test("carries PostgreSQL's own fields", async () => {
    const sql = connect()
    const error = await sql`insert into accounts values (2, 'ann@example.test')`.catch((caught) => caught)
    expect(error).toBeInstanceOf(NeonDbError)
    expect(error).toMatchObject({
      code: '23505',
      severity: 'ERROR',
      schema: 'public',
      table: 'accounts',
      constraint: 'accounts_email_unique',
      detail: 'Key (email)=(ann@example.test) already exists.',
      routine: '_bt_check_unique',
    })
  })

  test('says where the statement is wrong', async () => {
    await expect(connect()`select 1 frm accounts`).rejects.toMatchObject({ code: '42601', position: '14' })
  })

  test('of a wrong password is 28P01, and nothing is run', async () => {
    const sql = neon(connectionString('wrong'))
    await expect(sql`update accounts set balance = 0`).rejects.toMatchObject({
      name: 'NeonDbError',
      code: '28P01',
      message: expect.stringContaining('password authentication failed'),
    })
    expect(await balance()).toBe(100)
  })

  test('of an unknown database is 3D000', async () => {
    await expect(neon(connectionString('latchkey', 'nowhere'))`select 1`).rejects.toMatchObject({
      code: '3D000',
    })
  })

  test.each([
    ['a body that is no JSON', '{', {}],
    ['a body without a query', '{}', {}],
    ['an unknown isolation level', '{"queries":[]}', { 'neon-batch-isolation-level': 'Chaos' }],
    ['no connection string', '{"query":"select 1"}', { 'neon-connection-string': '' }],
  ])('of %s is a 400', async (_, body, headers) => {
    const response = await fetch(`http://127.0.0.1:${endpoint.port}/sql`, {
      method: 'POST',
      headers: { 'neon-connection-string': connectionString(), ...headers },
      body,
    })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ message: expect.any(String), code: null })
  })
})

describe('a batch', () => {
  test('of drizzle commits together and answers in order', async () => {
    const db = drizzle({ client: connect() })
    const [inserted, updated, all] = await db.batch([
      db.insert(accounts).values({ id: 2, email: 'bob@example.test' }).returning(),
      db.update(accounts).set({ balance: 5 }).where(eq(accounts.id, 1)),
      db.select().from(accounts).orderBy(accounts.id),
    ])
    expect(inserted).toEqual([{ id: 2, email: 'bob@example.test', balance: 0 }])
    expect(updated.rowCount).toBe(1)
    expect(all.map(({ id, balance }) => [id, balance])).toEqual([
      [1, 5],
      [2, 0],
    ])
  })

  test('is rolled back whole when one statement fails', async () => {
    const db = drizzle({ client: connect() })
    const running = db.batch([
      db.update(accounts).set({ balance: 5 }),
      db.insert(accounts).values({ id: 3, email: 'ann@example.test' }),
    ])
    await expect(running).rejects.toMatchObject({ name: 'NeonDbError', code: '23505' })
    expect(await balance()).toBe(100)
  })

  test('has the isolation level that it asks for', async () => {
    const sql = connect()
    const levels = ['ReadCommitted', 'RepeatableRead', 'Serializable'] as const
    const shown = []
    for (const isolationLevel of levels) {
      const [rows] = await sql.transaction([sql`show transaction_isolation`], { isolationLevel })
      shown.push(rows?.[0]?.transaction_isolation)
    }
    expect(shown).toEqual(['read committed', 'repeatable read', 'serializable'])
  })

  test('cannot write when it is read-only', async () => {
    const sql = connect()
    const running = sql.transaction([sql`update accounts set balance = 0`], { readOnly: true })
    await expect(running).rejects.toMatchObject({ code: '25006' })
    const [rows] = await sql.transaction([sql`show transaction_deferrable`], {
      isolationLevel: 'Serializable',
      readOnly: true,
      deferrable: true,
    })
    expect(rows).toEqual([{ transaction_deferrable: 'on' }])
  })

  test('holds its row lock until the end, and the next one sees what it wrote', async () => {
    await locker.query('begin')
    await locker.query('select from accounts where id = 1 for update')
    const withdraw = () => {
      const sql = connect()
      return sql.transaction([
        sql`select balance from accounts where id = 1 for update`,
        sql`update accounts set balance = balance - 30 where id = 1 returning balance`,
      ])
    }
    const running = [withdraw(), withdraw()]
    await untilWaiting(2)
    await locker.query('commit')
    const balances = (await Promise.all(running)).map(([, updated]) => updated?.[0]?.balance)
    expect(balances.sort()).toEqual([40, 70])
  })

  test('waits for a lock with a hundred others and loses none', async () => {
    await locker.query('begin')
    await locker.query('select from accounts where id = 1 for update')
    const sql = connect()
    const running = Array.from(
      { length: 100 },
      () => sql`update accounts set balance = balance - 1 where id = 1`,
    )
    const all = Promise.all(running)
    await untilWaiting(100)
    await locker.query('commit')
    await all
    expect(await balance()).toBe(0)
  })
})

describe('a caller that hangs up', () => {
  const idleInTransaction = `select count(*)::int as sessions from pg_stat_activity
    where datname = current_database() and application_name = 'neon-endpoint' and state <> 'idle'`

  test('has its statement cancelled', async () => {
    const caller = new AbortController()
    const sql = neon(connectionString(), { fetchOptions: { signal: caller.signal } })
    const running = sql`select pg_sleep(600)`.catch((error: unknown) => error)
    await untilRow(idleInTransaction, 1)
    caller.abort()
    expect(await running).toBeInstanceOf(Error)
    await untilRow(idleInTransaction, 0)
  })

  test('has its batch rolled back and leaves nothing idle in transaction', async () => {
    await locker.query('begin')
    await locker.query('lock table accounts in exclusive mode')
    const caller = new AbortController()
    const sql = neon(connectionString(), { fetchOptions: { signal: caller.signal } })
    const running = sql
      .transaction([
        sql`create table half_done (i int)`,
        sql`update accounts set balance = 0`,
        sql`insert into half_done values (1)`,
      ])
      .catch((error: unknown) => error)
    await untilWaiting(1)
    caller.abort()
    expect(await running).toBeInstanceOf(Error)
    await untilRow(idleInTransaction, 0)
    await locker.query('commit')
    const { rows } = await admin.query("select to_regclass('half_done') as half_done")
    expect(rows).toEqual([{ half_done: null }])
    expect(await balance()).toBe(100)
  })

  test('does not spoil the connection of the next caller', async () => {
    for (let round = 0; round < 20; round++) {
      const caller = new AbortController()
      const sql = neon(connectionString(), { fetchOptions: { signal: caller.signal } })
      const running = sql`select pg_sleep(600)`.catch(() => 'aborted')
      await untilRow(idleInTransaction, 1)
      caller.abort()
      expect(await running).toBe('aborted')
      expect(await connect()`select 1 as one`).toEqual([{ one: 1 }])
      await untilRow(idleInTransaction, 0)
    }
  })
})
