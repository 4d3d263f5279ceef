/** An endpoint that fails is asked by one delivery at a time, and one that does nothing else is disabled. */
import { describe, expect, test, vi } from 'vitest'
import { race } from '../support/client.ts'
import {
  deliver,
  deliveriesOf,
  endPause,
  healthOf,
  newSubscriber,
  plantMany,
  recorded,
  type Subscriber,
  useStage,
} from '../support/delivering.ts'

const stage = useStage()

const hitsOf = ({ path }: Subscriber) => stage().receiver.hits(path).length

/** A subscriber that answers 500, with as many deliveries that are due. */
async function newFailing(count: number) {
  const subscriber = await newSubscriber(stage())
  await plantMany(stage(), subscriber, count)
  stage().receiver.behave(subscriber.path, { status: 500 })
  return subscriber
}

/** One that has failed so often, since so long ago. */
const hasFailed = ({ webhook }: Subscriber, failures: number, since: string) =>
  stage().service.sql(
    `update webhook_endpoints set consecutive_failures = $2, failing_since = now() - $3::interval where id = $1`,
    [webhook.id, failures, since],
  )

describe('piles 12: an endpoint that fails', () => {
  test('is left alone after five failures in a row, however much waits and however many deliver', async () => {
    const subscriber = await newFailing(60)
    await race(50, () => deliver(stage(), subscriber))
    // Four at once, so the fifth failure may have three more beside it.
    const hits = hitsOf(subscriber)
    expect(hits).toBeGreaterThanOrEqual(5)
    expect(hits).toBeLessThanOrEqual(8)
    expect(
      (await healthOf(stage(), subscriber)).paused_seconds,
      'whatever failed beside it',
    ).toBeLessThanOrEqual(60)
    await race(50, () => deliver(stage(), subscriber))
    expect(hitsOf(subscriber)).toBe(hits)
    const untouched = (await deliveriesOf(stage(), subscriber)).filter(({ attempts }) => attempts === 0)
    expect(untouched, 'what waits is not counted as tried').toHaveLength(60 - hits)
  })

  test('costs one attempt an interval, of whichever delivery is due first; the interval grows to 15 minutes', async () => {
    const subscriber = await newFailing(40)
    await race(4, () => deliver(stage(), subscriber))
    let hits = hitsOf(subscriber)
    const pauses: number[] = []
    for (let probe = 0; probe < 6; probe++) {
      await endPause(stage(), subscriber)
      await race(10, () => deliver(stage(), subscriber))
      hits += 1
      expect(hitsOf(subscriber)).toBe(hits)
      pauses.push((await healthOf(stage(), subscriber)).paused_seconds ?? 0)
    }
    for (const [index, seconds] of [120, 240, 480, 900, 900, 900].entries()) {
      expect(pauses[index]).toBeGreaterThan(seconds - 30)
      expect(pauses[index]).toBeLessThanOrEqual(seconds)
    }
    const attempts = (await deliveriesOf(stage(), subscriber)).map((row) => row.attempts)
    expect(Math.max(...attempts), 'no delivery is used up for the others').toBe(1)
  })

  test('gets everything as soon as it answers once', async () => {
    const subscriber = await newFailing(20)
    await deliver(stage(), subscriber)
    const failed = hitsOf(subscriber)
    stage().receiver.behave(subscriber.path, { status: 204 })
    await deliver(stage(), subscriber)
    expect(hitsOf(subscriber)).toBe(failed)
    await endPause(stage(), subscriber)
    await deliver(stage(), subscriber)
    const rows = await deliveriesOf(stage(), subscriber)
    expect(rows.filter(({ state }) => state === 'delivered').length).toBe(20 - failed)
    expect(await healthOf(stage(), subscriber)).toMatchObject({
      consecutive_failures: 0,
      is_failing: false,
      paused_seconds: null,
    })
  })

  test('is not announced by the cron before its time', async () => {
    const { service, queue } = stage()
    const subscriber = await newFailing(20)
    await race(4, () => deliver(stage(), subscriber))
    queue.take()
    await service.runCron('* * * * *')
    expect(queue.take()).toEqual([])
    await endPause(stage(), subscriber)
    await service.runCron('* * * * *')
    expect(queue.take()).toEqual([{ endpoint_id: subscriber.webhook.id }])
  })

  test('is asked at once when an administrator tests it, replays to it, or enables it', async () => {
    const subscriber = await newFailing(20)
    const { id } = subscriber.webhook
    await race(4, () => deliver(stage(), subscriber))
    const [settled] = await deliveriesOf(stage(), subscriber)
    await stage().service.sql(`update webhook_deliveries set state = 'dead' where id = $1`, [settled?.id])
    let hits = hitsOf(subscriber)
    const asks = [
      () => subscriber.call('POST', `/${id}/test`),
      () => subscriber.call('POST', `/${id}/deliveries/${settled?.id}/replay`),
      () =>
        subscriber.call('POST', `/${id}/deliveries/replay`, { since: '2020-01-01T00:00:00Z', state: 'all' }),
    ]
    for (const [index, ask] of asks.entries()) {
      const { status } = await ask()
      expect(status, String(index)).toBe(202)
      await race(4, () => deliver(stage(), subscriber))
      hits += 1
      expect(hitsOf(subscriber), String(index)).toBe(hits)
    }
    expect((await subscriber.call('PATCH', `/${id}`, { state: 'enabled' })).status).toBe(200)
    expect(await healthOf(stage(), subscriber)).toMatchObject({
      consecutive_failures: 0,
      is_failing: false,
      paused_seconds: null,
    })
  })

  test('delays no other endpoint, not even in the same batch of the queue', async () => {
    const { receiver } = stage()
    const [poisoned, healthy] = [await newSubscriber(stage()), await newSubscriber(stage())]
    await plantMany(stage(), poisoned, 300)
    await plantMany(stage(), healthy, 12)
    receiver.behave(poisoned.path, 'held')
    const batch = deliver(stage(), poisoned, poisoned, healthy, poisoned)
    await vi.waitFor(() => expect(hitsOf(healthy)).toBe(12), 60_000)
    expect(receiver.mostAtOnce(poisoned.path), 'while it holds').toBeLessThanOrEqual(4)
    receiver.behave(poisoned.path, { status: 500 })
    receiver.release(poisoned.path)
    await batch
    for (const row of await deliveriesOf(stage(), healthy)) expect(row.state).toBe('delivered')
  })

  test('tells an administrator since when', async () => {
    const subscriber = await newFailing(1)
    await deliver(stage(), subscriber)
    const { body } = await subscriber.call('GET', `/${subscriber.webhook.id}`)
    expect(Date.parse(String(body.failing_since))).toBeGreaterThan(
      Date.parse(subscriber.webhook.created_at) - 1000,
    )
  })
})

describe('piles 12: an endpoint that only fails', () => {
  test('for five days is disabled, which is an event, once; nothing more is sent there', async () => {
    const subscriber = await newFailing(8)
    await hasFailed(subscriber, 30, '5 days 1 minute')
    await race(10, () => deliver(stage(), subscriber))
    expect(hitsOf(subscriber)).toBe(1)
    expect(await healthOf(stage(), subscriber)).toMatchObject({
      state: 'disabled',
      disabled_reason: 'failing',
    })
    expect(await recorded(stage(), subscriber, 'webhook.disabled')).toEqual([
      {
        actor: null,
        subject: null,
        client: null,
        data: { endpoint_id: subscriber.webhook.id, reason: 'failing' },
      },
    ])
    const { body } = await subscriber.call('GET', `/${subscriber.webhook.id}`)
    expect(body).toMatchObject({ state: 'disabled', disabled_reason: 'failing' })
  })

  test.each([
    ['for less', 30, '4 days 23 hours'],
    ['seldom', 5, '30 days'],
  ])('%s stays enabled', async (_, failures, since) => {
    const subscriber = await newFailing(2)
    await hasFailed(subscriber, failures, since)
    await deliver(stage(), subscriber)
    expect(hitsOf(subscriber)).toBe(1)
    expect(await healthOf(stage(), subscriber)).toMatchObject({
      state: 'enabled',
      consecutive_failures: failures + 1,
    })
  })

  test('is forgiven everything by one success', async () => {
    const subscriber = await newFailing(1)
    await hasFailed(subscriber, 30, '30 days')
    stage().receiver.behave(subscriber.path, { status: 204 })
    await deliver(stage(), subscriber)
    expect(await healthOf(stage(), subscriber)).toMatchObject({
      state: 'enabled',
      consecutive_failures: 0,
      is_failing: false,
    })
  })
})
