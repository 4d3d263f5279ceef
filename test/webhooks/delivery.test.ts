/** Delivering: at least once and with one id, never more at a time than may be, later when it fails, and one day no more. */
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { race } from '../support/client.ts'
import {
  deliver,
  deliveriesOf,
  deliveryOf,
  endLeases,
  makeDeliveries,
  makeDue,
  newSubscriber,
  recorded,
  type Subscriber,
  stateOf,
  useStage,
} from '../support/delivering.ts'
import { a, type Resolver, startResolver } from '../support/resolver.ts'
import { type Service, startService } from '../support/service.ts'
import { untilWaiting } from '../support/sessions.ts'

const stage = useStage()
/** The same database, and the targets that production allows. */
let careful: Service
let resolver: Resolver
beforeAll(async () => {
  resolver = await startResolver()
  careful = await startService({
    beside: stage().service,
    bindings: { WEBHOOK_PRIVATE_TARGETS: 'refused', DNS_OVER_HTTPS_URL: resolver.url },
  })
})
afterAll(async () => {
  await careful.stop()
  await resolver.stop()
})

const deliverCarefully = ({ webhook }: Subscriber) =>
  careful.queue('latchkey-deliveries', [{ endpoint_id: webhook.id }])

const hitsOf = ({ path }: { path: string }) => stage().receiver.hits(path)
const idsOf = (subscriber: { path: string }) => hitsOf(subscriber).map(({ headers }) => headers['webhook-id'])

describe('an attempt', () => {
  test('posts the payload as it is stored, signed, with the id of the event', async () => {
    const subscriber = await newSubscriber(stage())
    await makeDeliveries(stage(), subscriber)
    const { explicitAcks } = await deliver(stage(), subscriber)
    expect(explicitAcks).toHaveLength(1)
    const delivery = await deliveryOf(stage(), subscriber)
    const [hit] = hitsOf(subscriber)
    expect(hit).toMatchObject({
      method: 'POST',
      body: delivery.payload,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'Latchkey-Webhooks/1',
        'webhook-id': delivery.event_id,
        'webhook-timestamp': expect.stringMatching(/^\d{10}$/),
        'webhook-signature': expect.stringMatching(/^v1,[A-Za-z0-9+/]{43}=$/),
      },
    })
    expect(new Webhook(subscriber.webhook.secret).verify(hit?.body ?? '', hit?.headers ?? {})).toEqual(
      JSON.parse(delivery.payload),
    )
    expect(delivery).toMatchObject({
      state: 'delivered',
      attempts: 1,
      last_status: 204,
      last_error: null,
      last_duration_ms: expect.any(Number),
      is_claimed: null,
      is_settled: true,
    })
  })

  test('goes nowhere when the target is not public now', async () => {
    const subscriber = await newSubscriber(stage())
    await makeDeliveries(stage(), subscriber)
    await deliverCarefully(subscriber)
    expect(hitsOf(subscriber)).toEqual([])
    expect(await deliveryOf(stage(), subscriber)).toMatchObject({
      state: 'pending',
      attempts: 1,
      last_status: null,
      last_error: 'target_refused',
    })
  })

  test('asks where the name leads each time, and is none while the resolver does not answer', async () => {
    const subscriber = await newSubscriber(stage())
    await makeDeliveries(stage(), subscriber)
    await stage().service.sql(`update webhook_endpoints set url = 'https://hooks.moved.dev/' where id = $1`, [
      subscriber.webhook.id,
    ])
    resolver.set('hooks.moved.dev', { A: { status: 500 } })
    const { explicitAcks } = await deliverCarefully(subscriber)
    expect(explicitAcks).toHaveLength(1)
    const { waits, ...row } = await deliveryOf(stage(), subscriber)
    expect(row).toMatchObject({ state: 'pending', attempts: 0, last_error: null, is_claimed: null })
    expect(waits).toBeGreaterThan(30)
    expect(waits).toBeLessThanOrEqual(60)

    resolver.set('hooks.moved.dev', { A: a('93.184.215.14', '10.0.0.7') })
    await makeDue(stage(), subscriber)
    await deliverCarefully(subscriber)
    expect(await deliveryOf(stage(), subscriber)).toMatchObject({ attempts: 1, last_error: 'target_refused' })
  })

  test('goes nowhere when the target is a host of ours', async () => {
    const subscriber = await newSubscriber(stage())
    await makeDeliveries(stage(), subscriber)
    const host = `127.0.0.1:${stage().receiver.port}`
    await stage().service.sql('insert into tenant_hosts (host, tenant_id) values ($1, $2)', [
      host,
      subscriber.tenant.id,
    ])
    await deliver(stage(), subscriber)
    await stage().service.sql('delete from tenant_hosts where host = $1', [host])
    expect(hitsOf(subscriber)).toEqual([])
    expect(await deliveryOf(stage(), subscriber)).toMatchObject({ attempts: 1, last_error: 'target_refused' })
  })
})

describe('each is delivered at least once, with one id', () => {
  test('when every message comes five times', async () => {
    const subscriber = await newSubscriber(stage())
    await makeDeliveries(stage(), subscriber, 3)
    for (let time = 0; time < 5; time++) await deliver(stage(), subscriber, subscriber)
    expect(new Set(idsOf(subscriber)).size).toBe(3)
    expect(hitsOf(subscriber)).toHaveLength(3)
  })

  test('when 50 consumers deliver to one endpoint at once, of whom four are at work at a time', async () => {
    const { receiver } = stage()
    const subscriber = await newSubscriber(stage())
    await makeDeliveries(stage(), subscriber, 8)
    receiver.behave(subscriber.path, 'held')
    const consumers = race(50, () => deliver(stage(), subscriber))
    await vi.waitFor(() => expect(hitsOf(subscriber)).toHaveLength(4), 5000)
    // Those who found four under way have gone; the four go on when they are answered.
    receiver.behave(subscriber.path, { status: 204 })
    receiver.release(subscriber.path)
    await consumers
    expect(receiver.mostAtOnce(subscriber.path)).toBe(4)
    expect(new Set(idsOf(subscriber)).size).toBe(8)
    expect(hitsOf(subscriber)).toHaveLength(8)
    for (const row of await deliveriesOf(stage(), subscriber))
      expect(row).toMatchObject({ state: 'delivered', attempts: 1 })
  })

  test('when eight consumers count what is under way at the same moment: four of them are at work', async () => {
    const { receiver, service } = stage()
    const subscriber = await newSubscriber(stage())
    await makeDeliveries(stage(), subscriber, 8)
    receiver.behave(subscriber.path, 'held')
    await service.sql(`create function wait_for_test() returns trigger language plpgsql as
      $$begin perform pg_advisory_xact_lock_shared(4711); return new; end$$`)
    await service.sql(`create trigger wait_for_test before update on webhook_deliveries
      for each row execute function wait_for_test()`)
    await service.sql('select pg_advisory_lock(4711)')
    const consumers = race(8, () => deliver(stage(), subscriber))
    await untilWaiting(service, 8)
    await service.sql('select pg_advisory_unlock(4711)')
    await service.sql('drop function wait_for_test cascade')
    await vi.waitFor(() => expect(hitsOf(subscriber).length).toBeGreaterThanOrEqual(4), 5000)
    receiver.behave(subscriber.path, { status: 204 })
    receiver.release(subscriber.path)
    await consumers
    expect(receiver.mostAtOnce(subscriber.path)).toBe(4)
    expect(new Set(idsOf(subscriber)).size).toBe(hitsOf(subscriber).length)
  })

  test('when the consumer dies between the attempt and what it writes: again, when its claim has ended', async () => {
    const { service } = stage()
    const subscriber = await newSubscriber(stage())
    await makeDeliveries(stage(), subscriber)
    service.gates.postgres.set('error-500', { when: (body) => body.includes("state = 'delivered'") })
    const { retryMessages } = await deliver(stage(), subscriber)
    expect(retryMessages).toHaveLength(1)
    expect(service.gates.postgres.hits()).toBe(1)
    service.gates.postgres.set('open')
    expect(await deliveryOf(stage(), subscriber)).toMatchObject({ state: 'pending', is_claimed: true })
    await deliver(stage(), subscriber)
    expect(hitsOf(subscriber), 'it may still be under way').toHaveLength(1)

    await endLeases(stage(), subscriber)
    await deliver(stage(), subscriber)
    expect(await deliveryOf(stage(), subscriber)).toMatchObject({ state: 'delivered' })
    const [first, second] = hitsOf(subscriber)
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id'])
    expect(second?.body).toBe(first?.body)
  })

  test('when the answer of what it writes is lost: not again', async () => {
    const { service } = stage()
    const subscriber = await newSubscriber(stage())
    await makeDeliveries(stage(), subscriber)
    service.gates.postgres.set('reset-after-commit', { when: (body) => body.includes("state = 'delivered'") })
    await deliver(stage(), subscriber)
    service.gates.postgres.set('open')
    await endLeases(stage(), subscriber)
    await deliver(stage(), subscriber)
    expect(hitsOf(subscriber)).toHaveLength(1)
  })

  test('when a consumer is slower than its claim: the failure is counted once', async () => {
    const { receiver } = stage()
    const subscriber = await newSubscriber(stage())
    await makeDeliveries(stage(), subscriber)
    receiver.behave(subscriber.path, 'hanging')
    const slow = deliver(stage(), subscriber)
    await vi.waitFor(() => expect(hitsOf(subscriber)).toHaveLength(1))
    await endLeases(stage(), subscriber)
    const second = deliver(stage(), subscriber)
    await vi.waitFor(() => expect(hitsOf(subscriber)).toHaveLength(2))
    await Promise.all([slow, second])
    expect(await deliveryOf(stage(), subscriber)).toMatchObject({ attempts: 1, is_claimed: null })
  })

  test('when the queue refuses or loses the messages: the cron announces, or delivers', async () => {
    const { service, queue } = stage()
    const [one, other] = [await newSubscriber(stage()), await newSubscriber(stage())]
    for (const subscriber of [one, other]) await makeDeliveries(stage(), subscriber, 2)
    await service.runCron('* * * * *')
    const announced = queue.take().map((body) => (body as { endpoint_id: string }).endpoint_id)
    expect(announced.toSorted()).toEqual([one.webhook.id, other.webhook.id].toSorted())
    expect([...hitsOf(one), ...hitsOf(other)]).toEqual([])

    queue.refuse(true)
    await race(2, () => service.runCron('* * * * *'))
    expect([hitsOf(one).length, hitsOf(other).length]).toEqual([2, 2])
    queue.refuse(false)
    await service.runCron('* * * * *')
    expect(queue.take(), 'nothing is due').toEqual([])
  })

  test('and a message that cannot be read, or names nothing, is done with', async () => {
    const { service } = stage()
    const bodies = [{}, 'x', { endpoint_id: '../..' }, { endpoint_id: crypto.randomUUID() }]
    const { explicitAcks } = await service.queue('latchkey-deliveries', bodies)
    expect(explicitAcks).toHaveLength(bodies.length)
  })
})

describe('what fails is tried again', () => {
  const SECONDS = [5, 300, 1800, 7200, 18_000, 36_000, 86_400]

  test('after 5 seconds to 24 hours, a tenth more or less; after the eighth time it is dead, which is an event', async () => {
    const { receiver, queue } = stage()
    const subscriber = await newSubscriber(stage())
    await makeDeliveries(stage(), subscriber)
    receiver.behave(subscriber.path, { status: 500 })
    for (const [index, seconds] of SECONDS.entries()) {
      await deliver(stage(), subscriber)
      const { waits, ...row } = await deliveryOf(stage(), subscriber)
      expect(row).toMatchObject({
        state: 'pending',
        attempts: index + 1,
        last_status: 500,
        last_error: 'status',
      })
      expect(waits).toBeGreaterThan(seconds * 0.9 - 5) // the query came after the attempt
      expect(waits).toBeLessThanOrEqual(seconds * 1.1)
      await deliver(stage(), subscriber)
      expect(hitsOf(subscriber), 'not before its time').toHaveLength(index + 1)
      const [delay, ...more] = queue.delays()
      if (index === 0) expect(Math.abs((delay ?? 0) - 5)).toBeLessThanOrEqual(1)
      else expect(delay, 'the sweep finds it').toBeUndefined()
      expect(more).toEqual([])
      queue.take()
      await makeDue(stage(), subscriber)
    }
    await deliver(stage(), subscriber)
    const dead = await deliveryOf(stage(), subscriber)
    expect(dead).toMatchObject({ state: 'dead', attempts: 8, is_settled: true, is_claimed: null })
    expect(new Set(idsOf(subscriber))).toEqual(new Set([dead.event_id]))
    expect(await recorded(stage(), subscriber, 'webhook.delivery_dead')).toEqual([
      {
        actor: null,
        subject: null,
        client: null,
        data: { endpoint_id: subscriber.webhook.id, delivery_id: dead.id, event_id: dead.event_id },
      },
    ])
    await makeDue(stage(), subscriber)
    await deliver(stage(), subscriber)
    expect(hitsOf(subscriber)).toHaveLength(8)
  })

  test.each([
    ['7200', 503, 7200],
    ['7200', 429, 7200],
    ['1', 502, 5],
    ['999999', 504, 86_400],
    ['Fri, 31 Dec 9999 23:59:59 GMT', 503, 86_400],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 503, 5],
    ['-5', 503, 5],
    ['soon', 503, 5],
    ['7200', 500, 5],
  ])('with `Retry-After: %s` and %i after %i seconds', async (value, status, seconds) => {
    const subscriber = await newSubscriber(stage())
    await makeDeliveries(stage(), subscriber)
    stage().receiver.behave(subscriber.path, { status, headers: { 'retry-after': value } })
    await deliver(stage(), subscriber)
    const { waits } = await deliveryOf(stage(), subscriber)
    expect(waits).toBeGreaterThan(seconds * 0.9 - 5)
    expect(waits).toBeLessThanOrEqual(seconds * 1.1)
  })

  test('from the beginning, when an administrator asks for it while the last attempt fails', async () => {
    const { receiver, service } = stage()
    const subscriber = await newSubscriber(stage())
    await makeDeliveries(stage(), subscriber)
    await service.sql('update webhook_deliveries set attempts = 7 where endpoint_id = $1', [
      subscriber.webhook.id,
    ])
    receiver.behave(subscriber.path, 'hanging')
    const last = deliver(stage(), subscriber)
    await vi.waitFor(() => expect(hitsOf(subscriber)).toHaveLength(1))
    const { id } = await deliveryOf(stage(), subscriber)
    const replay = `/${subscriber.webhook.id}/deliveries/${id}/replay`
    expect((await subscriber.call('POST', replay)).status).toBe(202)
    await last
    expect(await deliveryOf(stage(), subscriber)).toMatchObject({ state: 'pending', attempts: 0 })
  })
})

describe('410 Gone', () => {
  test('disables the endpoint, ends what waits for it, and is an event, once', async () => {
    const subscriber = await newSubscriber(stage())
    await makeDeliveries(stage(), subscriber, 3)
    stage().receiver.behave(subscriber.path, { status: 410 })
    await race(3, () => deliver(stage(), subscriber))
    expect(await stateOf(stage(), subscriber)).toEqual({ state: 'disabled', disabled_reason: 'gone' })
    const rows = await deliveriesOf(stage(), subscriber)
    for (const row of rows) expect(row).toMatchObject({ state: 'dead', is_settled: true, is_claimed: null })
    expect(rows.some(({ attempts, last_status }) => attempts === 1 && last_status === 410)).toBe(true)
    expect(await recorded(stage(), subscriber, 'webhook.disabled')).toEqual([
      {
        actor: null,
        subject: null,
        client: null,
        data: { endpoint_id: subscriber.webhook.id, reason: 'gone' },
      },
    ])
    expect(await recorded(stage(), subscriber, 'webhook.delivery_dead')).toEqual([])
  })
})
