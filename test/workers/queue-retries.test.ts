/** How long the queues of wrangler.toml go on trying: an outage of an hour must not use up every retry. */
import { describe, expect, test } from 'vitest'
import { readWorkers } from '../../ops/routes.ts'

/** Not by a literal path: the types of Workers and those of Node are not in one project. */
const MESSAGES: string = '../../src/events/messages.ts'
const { retryDelay, DEAD_LETTER_RETRIES } = (await import(MESSAGES)) as {
  retryDelay(attempts: number): number
  DEAD_LETTER_RETRIES: number
} // see MESSAGES

const HOUR = 3600
/** The longest delay that the platform takes, and the most retries. */
const PLATFORM = { delaySeconds: 12 * HOUR, retries: 100 }

const consumers = [...readWorkers()].flatMap(([worker, { queues }]) =>
  (queues?.consumers ?? []).map((consumer) => [`${worker}: ${consumer.queue}`, consumer] as const),
)

/** From the first try to the last, where each delay is the one that the code asks for. */
const lasts = (retries: number) =>
  Array.from({ length: retries }, (_, index) => retryDelay(index + 1)).reduce((sum, next) => sum + next, 0)

test.each(consumers)('piles 14: %s states its retries and their delay', (_, { max_retries, retry_delay }) => {
  expect(max_retries).toBeGreaterThan(0)
  expect(max_retries).toBeLessThanOrEqual(PLATFORM.retries)
  expect(retry_delay).toBeGreaterThan(0)
  expect(retry_delay).toBeLessThanOrEqual(PLATFORM.delaySeconds)
})

describe('piles 14: what is nowhere but in a queue outlives an outage of an hour', () => {
  const lossy = consumers.filter(([, { queue }]) => queue !== 'latchkey-deliveries') // those have rows, which are swept

  test('there are such queues, in both Workers that consume them', () => expect(lossy).toHaveLength(4))

  test.each(lossy)('%s: when the code chooses the delays', (_, { max_retries = 0 }) => {
    expect(lasts(max_retries)).toBeGreaterThan(HOUR * 1.5)
  })

  test.each(lossy)('%s: when a batch is cut off and the platform chooses', (_, consumer) => {
    const { max_retries = 0, retry_delay = 0 } = consumer
    expect(max_retries * retry_delay).toBeGreaterThan(HOUR * 1.5)
  })

  test('and the code knows which try of a dead letter is the last', () => {
    const dead = lossy.filter(([, { dead_letter_queue }]) => dead_letter_queue === undefined)
    expect(dead.map(([, { max_retries }]) => max_retries)).toEqual([DEAD_LETTER_RETRIES, DEAD_LETTER_RETRIES])
  })
})

test('piles 14: no delay of the code is longer than half an hour, so what is back is noticed', () => {
  for (let attempts = 1; attempts <= PLATFORM.retries; attempts++)
    expect(retryDelay(attempts)).toBeLessThanOrEqual(1800)
})

test('piles 13: as many consumers of events at once as a chain of the audit log can serve', () => {
  const events = consumers.filter(([, { queue }]) => queue === 'latchkey-events')
  for (const [, { max_concurrency }] of events) expect(max_concurrency).toBe(10)
})
