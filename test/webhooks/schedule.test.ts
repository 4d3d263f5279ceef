/** The numbers of retrying, and how much of an answer is read, without a service. */
import { describe, expect, test } from 'vitest'
import { readAtMost } from '../../src/http/read-at-most.ts'
import { nextAttemptSeconds } from '../../src/webhooks/schedule.ts'

const withByte = (byte: number) => ({ random: (length: number) => new Uint8Array(length).fill(byte) })

describe('the next attempt', () => {
  test.each([
    [1, 5],
    [2, 300],
    [3, 1800],
    [4, 7200],
    [5, 18_000],
    [6, 36_000],
    [7, 86_400],
  ])('after failure %i comes after %i seconds, a tenth more or less', (failures, seconds) => {
    expect(nextAttemptSeconds(withByte(0), failures, 0)).toBeCloseTo(0.9 * seconds)
    expect(nextAttemptSeconds(withByte(255), failures, 0)).toBeCloseTo(1.1 * seconds)
  })

  test('waits for what the receiver asks, unless that is sooner', () => {
    expect(nextAttemptSeconds(withByte(0), 1, 3600)).toBe(3600)
    expect(nextAttemptSeconds(withByte(0), 4, 3600)).toBeCloseTo(6480)
  })

  test('does not come after the eighth failure, whatever the receiver asks', () => {
    expect(nextAttemptSeconds(withByte(0), 8, 0)).toBeNull()
    expect(nextAttemptSeconds(withByte(0), 8, 3600)).toBeNull()
    expect(nextAttemptSeconds(withByte(0), 9, 0)).toBeNull()
  })
})

test('of an answer no more is read than it is worth, and the rest is cancelled', async () => {
  const seen = { pulls: 0, isCancelled: false }
  const body = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        seen.pulls += 1
        controller.enqueue(new Uint8Array(1024).fill(120))
      },
      cancel: () => {
        seen.isCancelled = true
      },
    },
    { highWaterMark: 0 },
  )
  expect(await readAtMost(new Response(body), 65_536)).toBe('x'.repeat(65_536))
  expect(seen).toEqual({ pulls: 64, isCancelled: true })
})
