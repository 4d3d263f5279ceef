/** What a call's deadline counts, in workerd itself: time that the upstream took, not time that we took. */
import { expect, test } from 'vitest'
import { createTrips } from '../../src/storage/trips.ts'

const begin = (redis: number, request = 10_000) =>
  createTrips({ postgres: 10_000, redis, request }).begin('redis')

/** Holds the isolate, as an Argon2 hash does. */
function hold(milliseconds: number): void {
  const until = Date.now() + milliseconds
  while (Date.now() < until);
}

test('a call is not late because someone else held the isolate', async () => {
  const { signal, end } = begin(100)
  for (let hash = 0; hash < 4; hash++) {
    hold(60)
    await scheduler.wait(0) // an answer that has arrived is read here
    expect(signal.aborted, `after hash ${hash + 1}`).toBe(false)
  }
  end()
})

test('a call is late when nothing came while we waited', async () => {
  const { signal } = begin(50)
  await scheduler.wait(500)
  expect(signal.aborted).toBe(true)
  expect(signal.reason).toMatchObject({ name: 'TimeoutError' })
})

test('clients 15: turns that come late, because the isolate is busy, count a quarter; on end they end the call too', async () => {
  const { signal } = begin(100)
  const busy = async (turns: number) => {
    for (let turn = 0; turn < turns; turn++) {
      hold(40)
      await scheduler.wait(0)
    }
  }
  await busy(15)
  expect(signal.aborted).toBe(false)
  await busy(60)
  expect(signal.aborted).toBe(true)
})

test('a call that ended is never late', async () => {
  const { signal, end } = begin(50)
  end()
  await scheduler.wait(500)
  expect(signal.aborted).toBe(false)
})

test('no call outlasts its request', async () => {
  const { signal } = begin(5_000, 50)
  await scheduler.wait(500)
  expect(signal.aborted).toBe(true)
})

test('files 2: unless it is postponed by what an imported hash took', async () => {
  const trips = createTrips({ postgres: 10_000, redis: 5_000, request: 50 })
  trips.postpone(60_000)
  const { signal, end } = trips.begin('redis')
  await scheduler.wait(500)
  expect(signal.aborted).toBe(false)
  end()
})
