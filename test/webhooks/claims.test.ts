/** Claiming: nothing twice, in order, a few at a time, and at the same cost whatever waits. */
import { beforeAll, describe, expect, test, vi } from 'vitest'
import type { Database } from '../../src/storage/postgres.ts'
import { claimDeliveries, findDueEndpoints } from '../../src/webhooks/claim-store.ts'
import { endDeliveries, findUnsettled } from '../../src/webhooks/settling-store.ts'
import { race } from '../support/client.ts'
import {
  deliver,
  deliveriesOf,
  newSubscriber,
  plantMany,
  type Subscriber,
  useStage,
} from '../support/delivering.ts'
import { rowsReadBy as readBy } from './rows-read.ts'

const stage = useStage()

const hitsOf = ({ path }: Subscriber) => stage().receiver.hits(path)
const idsOf = (subscriber: Subscriber) => hitsOf(subscriber).map(({ headers }) => headers['webhook-id'])

describe('piles 12: a claim', () => {
  test('is made for 60 messages at once, and nothing is delivered twice or by more than four', async () => {
    const { receiver } = stage()
    const subscriber = await newSubscriber(stage())
    await plantMany(stage(), subscriber, 100)
    // Each of six messages of a batch has one connection, so claims meet others that are under way.
    const six = Array.from({ length: 6 }, () => subscriber)
    await race(10, () => deliver(stage(), ...six))
    await deliver(stage(), subscriber) // what the last of them left, if it found four under way
    expect(hitsOf(subscriber)).toHaveLength(100)
    expect(new Set(idsOf(subscriber)).size).toBe(100)
    expect(receiver.mostAtOnce(subscriber.path)).toBeLessThanOrEqual(4)
    for (const row of await deliveriesOf(stage(), subscriber))
      expect(row).toMatchObject({ state: 'delivered', attempts: 1 })
  })

  test('takes four at once for one message, and leaves the rest for later', async () => {
    const { receiver } = stage()
    const subscriber = await newSubscriber(stage())
    await plantMany(stage(), subscriber, 9)
    receiver.behave(subscriber.path, 'held')
    const consumer = deliver(stage(), subscriber)
    await vi.waitFor(() => expect(hitsOf(subscriber)).toHaveLength(4), 5000)
    const claimed = (await deliveriesOf(stage(), subscriber)).filter(({ is_claimed }) => is_claimed)
    expect(claimed).toHaveLength(4)
    receiver.behave(subscriber.path, { status: 204 })
    receiver.release(subscriber.path)
    await consumer
    expect(hitsOf(subscriber)).toHaveLength(9)
  })

  test('opens no more than six connections for a batch of the queue', async () => {
    const { receiver } = stage()
    const subscribers = await Promise.all(Array.from({ length: 6 }, () => newSubscriber(stage())))
    for (const subscriber of subscribers) {
      await plantMany(stage(), subscriber, 4)
      receiver.behave(subscriber.path, 'held')
    }
    const batch = deliver(stage(), ...subscribers)
    const underWay = () => subscribers.map((subscriber) => hitsOf(subscriber).length)
    await vi.waitFor(() => expect(underWay()).toEqual([1, 1, 1, 1, 1, 1]), 5000)
    for (const { path } of subscribers) {
      receiver.behave(path, { status: 204 })
      receiver.release(path)
    }
    await batch
    expect(underWay()).toEqual([4, 4, 4, 4, 4, 4])
  })

  test('takes the oldest first, and those of one moment in the order of their ids', async () => {
    const subscriber = await newSubscriber(stage())
    await plantMany(stage(), subscriber, 12, { next_attempt_at: `now() - interval '1 hour'` })
    const rows = await deliveriesOf(stage(), subscriber)
    const late = rows[0]
    await stage().service.sql('update webhook_deliveries set next_attempt_at = now() where id = $1', [
      late?.id,
    ])
    await deliver(stage(), subscriber)
    const expected = [...rows.slice(1), late].map((row) => row?.event_id)
    const place = (id: string | undefined) => expected.indexOf(id ?? '')
    // Four leave together, in any order, and the next four after them.
    const fours = idsOf(subscriber).map((id) => Math.floor(place(id) / 4))
    expect(fours).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2])
  })
})

const rowsReadBy = (query: (db: Database) => Promise<unknown>) => readBy(stage().service, query)

describe('piles 12: with 50,000 that wait, no statement reads them', () => {
  let subscriber: Subscriber
  const endpointId = () => subscriber.webhook.id
  const claim = (db: Database) => claimDeliveries({ db }, endpointId(), { most: 4, leaseSeconds: 45 })
  const plant = async (columns: Record<string, string>) => {
    await plantMany(stage(), subscriber, 50_000, columns)
    await stage().service.sql('vacuum analyze webhook_deliveries')
  }
  const recorder = {
    client: null,
    now: () => new Date(),
    random: (n: number) => new Uint8Array(n),
    happened: { recorded: [] },
  }
  const end = (cause: 'too_old' | 'endpoint_disabled') => (db: Database) =>
    endDeliveries({ ...recorder, db } as never, { endpointId: endpointId(), cause }, 10) // what recording takes of a job

  beforeAll(async () => {
    subscriber = await newSubscriber(stage())
    // Of another tenant, so that the planner has something to choose between.
    await plantMany(stage(), await newSubscriber(stage()), 10_000, {
      state: `'delivered'`,
      settled_at: 'now()',
    })
  }, 60_000)

  test.each([
    ['that are due', `now() - interval '1 hour'`],
    ['of one moment', `'2026-01-01T00:00:00Z'`],
    ['for their next attempt', `now() + interval '1 hour'`],
    ['for an endpoint that fails', `now() - interval '1 hour'`],
  ])(
    '%s',
    async (title, next_attempt_at) => {
      await plant({ next_attempt_at })
      const isFailing = title.includes('fails')
      await stage().service.sql(
        `update webhook_endpoints set consecutive_failures = $2, paused_until = now() + $3::interval where id = $1`,
        [endpointId(), isFailing ? 20 : 0, isFailing ? '10 minutes' : '-1 minute'],
      )
      // The front, the claimed rows by their primary keys, and what is under way: counted again by each node of the plan.
      expect(await rowsReadBy(claim), 'a claim').toBeLessThan(40)
      expect(await rowsReadBy(claim), 'the next one, with four under way').toBeLessThan(40)
      expect(await rowsReadBy((db) => findDueEndpoints({ db })), 'the sweep').toBeLessThan(40)
      expect(await rowsReadBy((db) => findUnsettled({ db })), 'what is to be settled').toBeLessThan(40)
      expect(await rowsReadBy(end('too_old')), 'nothing is too old').toBeLessThan(40)
      expect(await rowsReadBy(end('endpoint_disabled')), 'nothing is disabled').toBeLessThan(40)
    },
    120_000,
  )

  test('but are settled by as many as a batch has', async () => {
    await plant({ expires_at: `now() - interval '1 minute'` })
    expect(await rowsReadBy(end('too_old'))).toBeLessThan(80)
  }, 60_000)
})
