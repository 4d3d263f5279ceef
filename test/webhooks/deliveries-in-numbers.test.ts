/** What administrators read and ask for of an endpoint with very many deliveries: as much is read as is wanted. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { Statement } from '../support/asked.ts'
import { newSubscriber, plantMany, type Subscriber, useStage } from '../support/delivering.ts'
import { rowsRead } from './rows-read.ts'

const stage = useStage()
const sql = (text: string, values: unknown[] = []) => stage().service.sql(text, values)

const MANY = 20_000
const LIMIT = 20

let subscriber: Subscriber
const endpointId = () => subscriber.webhook.id

/** So many deliveries of each state, those of the last an hour newer than those before it. */
async function fill(...kinds: [count: number, state: string][]) {
  await sql('delete from webhook_deliveries where endpoint_id = $1', [endpointId()])
  for (const [place, [count, state]] of kinds.entries())
    await sql(
      `insert into webhook_deliveries (id, tenant_id, endpoint_id, event_id, type, payload, state, settled_at, created_at)
       select (lpad($3::text, 8, '0') || substr(gen_random_uuid()::text, 9))::uuid, tenant_id, id, gen_random_uuid(),
         'user.updated', '{}', $4, case when $4 <> 'pending' then now() end,
         now() - interval '1 day' + make_interval(hours => $3::int)
       from webhook_endpoints, generate_series(1, $2) where id = $1`,
      [endpointId(), count, place, state],
    )
  await sql('vacuum analyze webhook_deliveries')
}

/** As Neon is asked. */
type Asked = { query: string; params: unknown[] }

/** The statements that a call sends of deliveries; they are refused, so that running them here is the first time. */
async function statementsOf(call: () => Promise<unknown>): Promise<Statement[]> {
  const { postgres } = stage().service.gates
  const asked: Statement[] = []
  postgres.set('error-500', {
    when: (body) => {
      const said: Asked & { queries?: Asked[] } = JSON.parse(body)
      const found = (said.queries ?? [said]).filter(({ query }) => query.includes('webhook_deliveries'))
      asked.push(...found.map(({ query, params }) => ({ sql: query, params })))
      return found.length > 0
    },
  })
  await call()
  postgres.set('open')
  expect(asked).toHaveLength(1)
  return asked
}

async function rowsReadBy(call: () => Promise<unknown>): Promise<number> {
  let read = 0
  for (const statement of await statementsOf(call)) read += await rowsRead(stage().service, statement)
  return read
}

const list = (query: string) =>
  rowsReadBy(() => subscriber.call('GET', `/${endpointId()}/deliveries?limit=${LIMIT}${query}`))

const replay = (state: 'dead' | 'all', since: string) =>
  rowsReadBy(() => subscriber.call('POST', `/${endpointId()}/deliveries/replay`, { since, state }))

const hoursAfterYesterday = (hours: number) =>
  new Date(Date.now() - (24 - hours) * 3_600_000 + 60_000).toISOString()

beforeAll(async () => {
  subscriber = await newSubscriber(stage())
  // Of another tenant, so that the planner has something to choose between.
  await plantMany(stage(), await newSubscriber(stage()), 10_000, {
    state: `'delivered'`,
    settled_at: 'now()',
  })
}, 60_000)

describe('piles 12: a page of one state reads a page, wherever that state is', () => {
  test.each([
    ['dead', 'delivered'],
    ['pending', 'dead'],
    ['delivered', 'pending'],
  ] as const)(
    '%s, behind very many that are %s',
    async (few, many) => {
      await fill([LIMIT + 5, few], [MANY, many])
      expect(await list(`&state=${few}`)).toBeLessThanOrEqual(LIMIT + 1)
      expect(await list(`&state=${many}`)).toBeLessThanOrEqual(LIMIT + 1)
      expect(await list('')).toBeLessThanOrEqual(LIMIT + 1)
    },
    120_000,
  )
})

describe('piles 12: a replay reads what it makes due again, whatever was before it or beside it', () => {
  const FEW = 7
  /** Each is found, looked at again, locked and written. */
  const READS = 5

  test('the dead of the last hour, after very many that died before and beside very many that were delivered', async () => {
    await fill([MANY, 'dead'], [MANY, 'delivered'], [FEW, 'dead'])
    expect(await replay('dead', hoursAfterYesterday(0.5))).toBeLessThanOrEqual(READS * FEW)
    const again = await sql(`select 1 from webhook_deliveries where endpoint_id = $1 and state = 'pending'`, [
      endpointId(),
    ])
    expect(again).toHaveLength(FEW)
  }, 120_000)

  test('all of the last hour, after very many before', async () => {
    await fill([MANY, 'dead'], [MANY, 'delivered'], [FEW, 'delivered'], [FEW, 'dead'])
    expect(await replay('all', hoursAfterYesterday(1.5))).toBeLessThanOrEqual(READS * 2 * FEW)
  }, 120_000)

  test('and a thousand of very many, the oldest', async () => {
    await fill([MANY, 'delivered'], [MANY, 'dead'])
    expect(await replay('all', hoursAfterYesterday(-1))).toBeLessThanOrEqual(READS * 1000)
  }, 120_000)
})
