/** The months of the audit log: there before they are needed, gone whole when they are over, and a chain that survives both. */
import { beforeEach, describe, expect, test } from 'vitest'
import { verifyChains } from '../../ops/audit.ts'
import { type Client, newClient, race } from '../support/client.ts'
import { useStage } from '../support/event-stage.ts'
import { HOURLY, linesOf, runHourly } from '../support/hourly.ts'

const stage = useStage()
const service = () => stage().service

const sql = <R extends Record<string, unknown>>(text: string, values: unknown[] = []) =>
  service().sql<R>(text, values)

beforeEach(() => stage().queue.take())

const months = async () =>
  (
    await sql<{ name: string }>(
      `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'audit_events'::regclass order by 1`,
    )
  ).map(({ name }) => name)

/** `audit_events_2026_11`, counted from this month. */
async function monthName(offset: number): Promise<string> {
  const [row] = await sql<{ name: string }>(
    `select to_char(date_trunc('month', now() at time zone 'UTC') + make_interval(months => $1), '"audit_events_"YYYY_MM') as name`,
    [offset],
  )
  return row?.name ?? ''
}

/** Where each row of the tenant lies, in the order of the chain. */
const places = async ({ tenant }: Client) =>
  (
    await sql<{ place: string }>(
      'select tableoid::regclass::text as place from audit_events where tenant_id = $1 order by sequence',
      [tenant.id],
    )
  ).map(({ place }) => place)

const sequences = async ({ tenant }: Client) =>
  (
    await sql<{ sequence: number }>(
      'select sequence::int from audit_events where tenant_id = $1 order by sequence',
      [tenant.id],
    )
  ).map(({ sequence }) => sequence)

async function problemsOf({ tenant }: Client) {
  const [chain] = await verifyChains(service().backend.operator, tenant.id)
  return chain?.problems ?? ['no chain']
}

const droppedOf = async ({ tenant }: Client) =>
  (
    await sql<{ dropped: number; head: number }>(
      'select dropped_sequence::int as dropped, sequence::int as head from audit_heads where tenant_id = $1',
      [tenant.id],
    )
  )[0]

/** Has the account sign in `times` times, so long before now, and has that consumed. */
async function signIns(client: Client, email: string, times: number, before = '0 s') {
  for (let time = 0; time < times; time++) await client.signIn(email)
  await consume(client, before)
}

async function consume({ tenant }: Client, before: string) {
  await sql(
    `update events set created_at = date_trunc('month', now() at time zone 'UTC') at time zone 'UTC' - $2::interval
     where tenant_id = $1 and dispatched_at is null and $2::interval > '0 s'`,
    [tenant.id, before],
  )
  stage().queue.take()
  await service().consume()
}

const FAR = '14 months' // this month and 13 more are kept

describe('a month', () => {
  test('is there before it is needed, and takes what came before it was made', async () => {
    const client = await newClient(service())
    const { email } = await client.newAccount()
    await signIns(client, email, 2)
    const said = await runHourly(service())
    expect(said['audit months created']).toBeDefined()
    for (const ahead of [0, 1, 2, 3]) expect(await months()).toContain(await monthName(ahead))
    expect(await months()).not.toContain(await monthName(4))
    expect(new Set(await places(client))).toEqual(new Set([await monthName(0)]))
    expect(await sql('select 1 from audit_events_other')).toEqual([])
    expect(await problemsOf(client)).toEqual([])
    expect((await runHourly(service()))['audit months created']).toMatchObject({ made: 0 })
  })

  test('has the indexes of the log', async () => {
    await runHourly(service())
    const indexesOf = async (table: string) =>
      (
        await sql<{ columns: string }>(
          `select regexp_replace(indexdef, '^.* USING ', '') as columns from pg_indexes where tablename = $1 order by 1`,
          [table],
        )
      ).map(({ columns }) => columns)
    expect(await indexesOf(await monthName(0))).toEqual(await indexesOf('audit_events'))
  })

  test('is made once, however many crons run at once', async () => {
    const last = await monthName(3)
    await runHourly(service())
    await sql(`drop table ${last}`)
    const outcomes = await race(10, () => service().runCron(HOURLY))
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(outcomes.map(() => 'ok'))
    expect((await months()).filter((name) => name === last)).toHaveLength(1)
  })

  test('is made while events of it come in: each is there once', async () => {
    const { id } = await service().newTenant()
    const insert = (from: number, to: number) =>
      sql(
        `insert into audit_events (id, occurred_at, tenant_id, sequence, type, data, previous_hash, hash)
         select gen_random_uuid(), date_trunc('month', now()) - interval '5 months', $1, n, 'session.ended',
           '{}', sha256('a'), sha256('b')
         from generate_series($2::int, $3::int) n`,
        [id, from, to],
      )
    await insert(1, 20_000) // so that moving them takes its time
    const arriving = (async () => {
      for (let n = 20_001; n <= 20_300; n++) await insert(n, n)
    })()
    const { outcome } = await service().runCron(HOURLY)
    await arriving
    expect(outcome).toBe('ok')
    const rows = await sql(
      `select tableoid::regclass::text as place, count(*)::int as count, count(distinct sequence)::int as different
       from audit_events where tenant_id = $1 group by 1`,
      [id],
    )
    expect(rows).toEqual([{ place: await monthName(-5), count: 20_300, different: 20_300 }])
    await sql('delete from audit_events where tenant_id = $1', [id])
  })
})

describe('retention', () => {
  test('drops months whole, and the chains are intact and go on: also where rows came late', async () => {
    const client = await newClient(service())
    const { email } = await client.newAccount()
    await consume(client, FAR)
    await signIns(client, email, 3)
    await signIns(client, email, 1, FAR) // 6th in the chain, and of a month that goes
    await signIns(client, email, 2)
    const other = await newClient(service())
    await other.newAccount()
    await consume(other, '0 s')
    expect(await sequences(client)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])

    await runHourly(service()) // gives the old rows their month
    await runHourly(service())
    expect(await sequences(client)).toEqual([3, 4, 5, 7, 8])
    expect(await droppedOf(client)).toEqual({ dropped: 6, head: 8 })
    expect(await problemsOf(client)).toEqual([])
    expect(await droppedOf(other)).toEqual({ dropped: 0, head: 2 })
    expect(await problemsOf(other)).toEqual([])
    const lines = linesOf(service()).filter(({ message }) => message === 'audit months dropped')
    expect(lines.map(({ months: dropped }) => dropped).join(' ')).toContain(
      (await monthName(-14)).replace('audit_events_', ''),
    )

    await signIns(client, email, 1)
    expect(await sequences(client)).toEqual([3, 4, 5, 7, 8, 9])
    expect(await problemsOf(client)).toEqual([])
  })

  test('hides nothing: what is changed or removed after it is found, of late rows too', async () => {
    const tampered = async (change: string) => {
      const client = await newClient(service())
      const { email } = await client.newAccount()
      await consume(client, FAR)
      await signIns(client, email, 2)
      await signIns(client, email, 1, FAR)
      await signIns(client, email, 3)
      await runHourly(service())
      await runHourly(service())
      expect(await sequences(client)).toEqual([3, 4, 6, 7, 8])
      await sql(change, [client.tenant.id])
      return (await problemsOf(client)).join('\n')
    }
    const where = 'where tenant_id = $1 and sequence'
    expect(await tampered(`update audit_events set type = 'session.ended' ${where} = 7`)).toMatch(
      /row 7 .* was changed/,
    )
    expect(await tampered(`update audit_events set type = 'session.ended' ${where} = 3`)).toMatch(
      /row 3 .* was changed/,
    )
    expect(await tampered(`update audit_events set previous_hash = sha256('x') ${where} = 4`)).toMatch(
      /row 4 .* does not follow/,
    )
    expect(await tampered(`delete from audit_events ${where} = 6`)).toMatch(/1 rows are missing/)
    expect(await tampered(`delete from audit_events ${where} = 8`)).toMatch(/ends at 7/)
    expect(await tampered(`update audit_heads set dropped_hash = sha256('x') where tenant_id = $1`)).toMatch(
      /row 6 .* does not follow/,
    )
  })

  test('may take all there is of a tenant: its chain goes on from where it was', async () => {
    const client = await newClient(service())
    const { email } = await client.newAccount()
    await consume(client, FAR)
    await runHourly(service())
    await runHourly(service())
    expect(await sequences(client)).toEqual([])
    expect(await problemsOf(client)).toEqual([])
    await signIns(client, email, 1)
    expect(await sequences(client)).toEqual([3])
    expect(await problemsOf(client)).toEqual([])
  })

  test('keeps the thirteenth month before this one, and drops the one before that', async () => {
    const client = await newClient(service())
    await client.newAccount()
    await consume(client, '13 months') // its first moment
    const older = await newClient(service())
    await older.newAccount()
    await consume(older, '13 months 1 ms')
    await runHourly(service())
    await runHourly(service())
    expect(await places(client)).toEqual([await monthName(-13), await monthName(-13)])
    expect(await sequences(older)).toEqual([])
  })

  test('does not wait behind a long reader, and no one waits behind it; the next hour does it', async () => {
    const old = await makeMonth(-20)
    const client = await newClient(service())
    const { email } = await client.newAccount()
    await consume(client, '20 months')
    const reader = await service().connect()
    try {
      await reader.query('begin')
      await reader.query('select count(*) from audit_events')
      const cron = service().runCron(HOURLY)
      const begun = Date.now()
      await signIns(client, email, 1)
      expect(Date.now() - begun, 'an event is written meanwhile').toBeLessThan(10_000)
      expect(await sequences(client)).toEqual([1, 2, 3])
      expect((await cron).outcome).not.toBe('ok')
      expect(await months(), 'not dropped').toContain(old)
      const failed = { message: 'job failed', job: 'drop audit months', cause: 'postgres answered 55P03' }
      expect(linesOf(service())).toContainEqual(expect.objectContaining(failed))
    } finally {
      await reader.query('rollback')
      await reader.end()
    }
    await runHourly(service())
    expect(await months()).not.toContain(old)
    expect(await sequences(client)).toEqual([3])
    expect(await problemsOf(client)).toEqual([])
  })
})

/** An empty month, without the cron, which would drop an old one at once. */
async function makeMonth(offset: number): Promise<string> {
  const [name, next] = [await monthName(offset), await monthName(offset + 1)]
  const start = (month: string) => `${month.replace('audit_events_', '').replace('_', '-')}-01T00:00:00Z`
  await sql(
    `create table ${name} partition of audit_events for values from ('${start(name)}') to ('${start(next)}')`,
  )
  return name
}
