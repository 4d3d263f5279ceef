import { describe, expect, test } from 'vitest'
import { createHashSlots, dearHashSlot, hashSlots } from '../../src/crypto/hash-slots.ts'

const NOW = Date.UTC(2026, 9, 20)
const TEN_SECONDS = 10_000

/** How many more places there are, as far as one beyond `most`. */
function countFree(slots: ReturnType<typeof createHashSlots>, now: number, most: number): number {
  const taken = Array.from({ length: most + 1 }, () => slots.take(now, most)).filter(
    (place) => place !== null,
  )
  for (const giveBack of taken) giveBack()
  return taken.length
}

describe('places for hashes', () => {
  test.each([1, 2, 8, 1000])('are %d at most', (most) => {
    expect(countFree(createHashSlots(), NOW, most)).toBe(most)
  })

  test('are free again as soon as they are given back', () => {
    const slots = createHashSlots()
    const giveBack = slots.take(NOW, 1)
    expect(slots.take(NOW, 1)).toBeNull()
    giveBack?.()
    expect(countFree(slots, NOW, 1)).toBe(1)
  })

  test('are given back once: doing it twice frees no other place', () => {
    const slots = createHashSlots()
    const first = slots.take(NOW, 2)
    slots.take(NOW, 2)
    first?.()
    first?.()
    expect(countFree(slots, NOW, 2)).toBe(1)
    slots.take(NOW, 2)
    first?.()
    expect(slots.take(NOW, 2), 'the later caller keeps the place').toBeNull()
  })

  test('are free after ten seconds when a cancelled request never gave them back, and not before', () => {
    const slots = createHashSlots()
    slots.take(NOW, 2)
    slots.take(NOW + 1, 2)
    expect(slots.take(NOW + TEN_SECONDS - 1, 2)).toBeNull()
    expect(countFree(slots, NOW + TEN_SECONDS, 2)).toBe(1)
    expect(countFree(slots, NOW + TEN_SECONDS + 1, 2)).toBe(2)
  })

  test('that expired are not given back a second time', () => {
    const slots = createHashSlots()
    const late = slots.take(NOW, 1)
    expect(slots.take(NOW + TEN_SECONDS, 1)).not.toBeNull()
    late?.()
    expect(slots.take(NOW + TEN_SECONDS, 1)).toBeNull()
  })

  test('follow a setting that was changed meanwhile', () => {
    const slots = createHashSlots()
    slots.take(NOW, 4)
    slots.take(NOW, 4)
    expect(slots.take(NOW, 2)).toBeNull()
    expect(countFree(slots, NOW, 3)).toBe(1)
  })

  test("clients 15: of one account are counted apart from another's, and from those of all", () => {
    const slots = createHashSlots()
    expect(slots.take(NOW, 1, 'ada')).not.toBeNull()
    expect(slots.take(NOW, 1, 'ada')).toBeNull()
    expect(slots.take(NOW, 1, 'grace')).not.toBeNull()
    expect(countFree(slots, NOW, 3)).toBe(3)
  })

  test('clients 15: say of whom fewer are under way', () => {
    const slots = createHashSlots()
    expect(slots.hasQuieter('ada')).toBe(false)
    slots.take(NOW, 9) // of all
    const [first] = [slots.take(NOW, 9, 'ada'), slots.take(NOW, 9, 'ada')]
    expect([slots.count('ada'), slots.hasQuieter('ada')]).toEqual([2, false])
    const giveBack = slots.take(NOW, 9, 'grace')
    expect([slots.hasQuieter('ada'), slots.hasQuieter('grace')]).toEqual([true, false])
    first?.()
    expect([slots.count('ada'), slots.hasQuieter('ada')]).toEqual([1, false])
    giveBack?.()
    expect(slots.count('grace')).toBe(0)
  })

  test('of one isolate are counted together, and of another by itself', () => {
    const giveBack = hashSlots.take(NOW, 1)
    expect(hashSlots.take(NOW, 1)).toBeNull()
    expect(createHashSlots().take(NOW, 1)).not.toBeNull()
    giveBack?.()
    expect(countFree(hashSlots, NOW, 1)).toBe(1)
  })

  test('files 2: of hashes that take seconds are counted apart, and are taken to be gone after thirty', () => {
    const giveBack = dearHashSlot.take(NOW, 1)
    expect(countFree(hashSlots, NOW, 8)).toBe(8)
    expect(dearHashSlot.take(NOW + 3 * TEN_SECONDS - 1, 1)).toBeNull()
    expect(countFree(dearHashSlot, NOW + 3 * TEN_SECONDS, 1)).toBe(1)
    giveBack?.()
  })
})
