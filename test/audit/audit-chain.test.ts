/** Many consumers on one tenant's chain: each row once, in one chain, and no batch is turned away or asks twice. */
import { afterEach, describe, expect, test } from 'vitest'
import { verifyChains } from '../../ops/audit.ts'
import { type Client, newClient, race } from '../support/client.ts'
import { useStage } from '../support/event-stage.ts'

const stage = useStage()

afterEach(() => stage().service.gates.audit.set('open'))

/** Events of one account, as only the outbox has them. @returns their ids */
async function record(client: Client, count: number): Promise<string[]> {
  const { service } = stage()
  const { tokens } = await client.newAccount()
  await service.consume()
  stage().queue.take()
  const rows = await service.sql<{ id: string }>(
    `insert into events (id, tenant_id, type, subject, data, client)
     select gen_random_uuid(), tenant_id, 'session.ended', user_id, jsonb_build_object('session_id', id),
       '{"address":"192.0.2.0/24","country":"NL","user_agent":"\u{1f510} \\"quoted\\" \\\\ \u2028"}'
     from sessions, generate_series(1, $2) where id = $1 returning events.id`,
    [tokens.session.id, count],
  )
  return rows.map(({ id }) => id)
}

const consume = (bodies: readonly unknown[]) => stage().service.queue('latchkey-events', bodies)

async function expectOnceEach({ tenant }: Client, ids: readonly string[]): Promise<void> {
  const written = (await stage().audited(tenant)).filter(({ type }) => type === 'session.ended')
  expect(written.map(({ id }) => id).toSorted()).toEqual(ids.toSorted())
  const [chain] = await verifyChains(stage().service.operator, tenant.id)
  expect(chain?.problems).toEqual([])
}

/** Trips to the audit log while `work` runs. */
async function countTrips(work: () => Promise<unknown>): Promise<number> {
  const { audit } = stage().service.gates
  audit.set({ delayMs: 0 })
  await work()
  return audit.hits()
}

describe('piles 13: 50 consumers of one tenant at once', () => {
  test('lose nothing, write nothing twice, and turn no batch away, although each event comes to two of them', async () => {
    const client = await newClient(stage().service)
    const ids = await record(client, 500)
    const batchOf = (index: number) =>
      Array.from({ length: 20 }, (_, place) => ({ recorded: [ids[(index * 10 + place) % ids.length]] }))
    const outcomes = await race(50, (index) => consume(batchOf(index)))
    for (const { outcome, explicitAcks } of outcomes)
      expect({ outcome, acks: explicitAcks.length }).toEqual({ outcome: 'ok', acks: 20 })
    await expectOnceEach(client, ids)
  })

  test('ask the audit log once a batch, as one consumer does', async () => {
    const client = await newClient(stage().service)
    const ids = await record(client, 51)
    const [alone, ...others] = ids
    expect(await countTrips(() => consume([{ recorded: [alone] }]))).toBe(1)
    expect(await countTrips(() => race(50, (index) => consume([{ recorded: [others[index]] }])))).toBe(50)
    await expectOnceEach(client, ids)
  })
})

test('piles 13: a batch reads the keys of its people once, and nothing after it has written', async () => {
  const client = await newClient(stage().service)
  const ids = await record(client, 2)
  const { postgres } = stage().service.gates
  await consume([{ recorded: [ids[0]] }]) // makes the key
  postgres.set({ delayMs: 0 }, { when: (body) => body.includes('person_keys') })
  await consume([{ recorded: [ids[1]] }])
  expect(postgres.hits()).toBe(1)
  postgres.set('open')
  await expectOnceEach(client, ids)
})

test('piles 13: a batch of several tenants extends the chain of each, by what is not there yet', async () => {
  const clients = await Promise.all(Array.from({ length: 3 }, () => newClient(stage().service)))
  const ids: string[][] = []
  for (const client of clients) ids.push(await record(client, 4))
  await consume([{ recorded: ids.map(([first]) => first) }])
  await stage().service.sql('update events set dispatched_at = null')
  expect(await countTrips(() => consume(ids.flat().map((id) => ({ recorded: [id] }))))).toBe(1)
  for (const [index, client] of clients.entries()) await expectOnceEach(client, ids[index] ?? [])
})
