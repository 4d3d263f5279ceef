/** Receivers that misbehave: what becomes of their deliveries, and that no one else's wait for them. */
import { describe, expect, test, vi } from 'vitest'
import { freePort } from '../../dev/local-server.ts'
import {
  type DeliveryRow,
  deliver,
  deliveryOf,
  makeDeliveries,
  newSubscriber,
  TIMEOUT_MS,
  useStage,
} from '../support/delivering.ts'
import type { Behaviour } from '../support/receiver.ts'

const stage = useStage()

async function newBadSubscriber(behaviour: Behaviour) {
  const bad = await newSubscriber(stage())
  stage().receiver.behave(bad.path, behaviour)
  await makeDeliveries(stage(), bad)
  return bad
}

async function newGoodSubscriber() {
  const good = await newSubscriber(stage())
  await makeDeliveries(stage(), good)
  return good
}

const TIMED_OUT = { state: 'pending', attempts: 1, last_status: null, last_error: 'timeout' }
const ARRIVED = { state: 'delivered', attempts: 1, last_status: 200, last_error: null }

/** What answers 2xx has the delivery, whatever becomes of the rest: to send it again would only send it twice. */
const RECEIVERS: [title: string, behaviour: Behaviour, takesTime: boolean, row: Partial<DeliveryRow>][] = [
  ['never answers', 'hanging', true, TIMED_OUT],
  ['sends its headers byte by byte', 'dripping', true, TIMED_OUT],
  ['sends its body byte by byte', 'dripping body', true, ARRIVED],
  ['sends a gigabyte', 'flooding', false, ARRIVED],
  ['resets the connection', 'resetting', false, { ...TIMED_OUT, last_error: 'connection' }],
  ['answers 500', { status: 500 }, false, { ...TIMED_OUT, last_status: 500, last_error: 'status' }],
]

describe('a receiver that', () => {
  test.each(RECEIVERS)('%s delays no one else', async (_, behaviour, takesTime, row) => {
    const [bad, good] = [await newBadSubscriber(behaviour), await newGoodSubscriber()]
    const batch = deliver(stage(), bad, good)
    await vi.waitFor(
      async () => expect(await deliveryOf(stage(), good)).toMatchObject({ state: 'delivered', attempts: 1 }),
      { timeout: TIMEOUT_MS, interval: 20 },
    )
    if (takesTime) expect(await deliveryOf(stage(), bad)).toMatchObject({ attempts: 0, is_claimed: true })
    const { explicitAcks } = await batch
    expect(explicitAcks).toHaveLength(2)
    const delivery = await deliveryOf(stage(), bad)
    expect(delivery).toMatchObject({ ...row, is_claimed: null })
    if (takesTime) expect(delivery.last_duration_ms).toBeGreaterThanOrEqual(TIMEOUT_MS)
    expect(delivery.last_duration_ms).toBeLessThan(2 * TIMEOUT_MS)
  })

  test('never answers delays no one else, even when there are five in one batch, each with more to get', async () => {
    const bad = await Promise.all(Array.from({ length: 5 }, () => newBadSubscriber('hanging')))
    for (const one of bad) await makeDeliveries(stage(), one)
    const good = await newGoodSubscriber()
    const batch = deliver(stage(), ...bad, good)
    await vi.waitFor(
      async () => expect(await deliveryOf(stage(), good)).toMatchObject({ state: 'delivered' }),
      { timeout: TIMEOUT_MS, interval: 20 },
    )
    const connections = () => bad.map(({ path }) => stage().receiver.mostAtOnce(path))
    await vi.waitFor(() => expect(connections()).not.toContain(0))
    await batch
    expect(connections(), 'one connection each').toEqual([1, 1, 1, 1, 1])
  })

  test('sends a gigabyte sends it to no one', async () => {
    const bad = await newBadSubscriber('flooding')
    await deliver(stage(), bad)
    expect(stage().receiver.sentBytes(bad.path)).toBeGreaterThan(0)
    // What is on its way in the buffers of two kernels and a runtime, and no more.
    expect(stage().receiver.sentBytes(bad.path)).toBeLessThan(64 * 1024 * 1024)
  })

  test('is not there is tried again', async () => {
    const { newWebhook, ...gone } = await newSubscriber(stage(), { events: ['session.ended'] })
    const webhook = await newWebhook({ url: `http://127.0.0.1:${await freePort()}/` })
    await makeDeliveries(stage(), { ...gone, newWebhook, webhook })
    await deliver(stage(), { webhook })
    expect(await deliveryOf(stage(), { webhook })).toMatchObject({
      state: 'pending',
      attempts: 1,
      last_status: null,
      last_error: 'connection',
    })
  })
})
