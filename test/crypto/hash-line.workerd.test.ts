/** clients 15: the line of hashes of an isolate; what it lets begin, and what it refuses before it waits. */
import { describe, expect, test } from 'vitest'
import { createHashLine, type HashPlace, type HashTurn } from '../../src/crypto/hash-line.ts'

const NOW = Date.UTC(2026, 10, 27)
const LIMITS = { most: 8, withinMs: 250 }

const enter = (line: ReturnType<typeof createHashLine>, now = NOW, limits = LIMITS, turn?: HashTurn) => {
  const place = line.enter(now, limits, turn)
  if (!place) throw new Error('the line is full')
  return place
}

/** Places in line from here on, as long as it takes any. */
function fill(line: ReturnType<typeof createHashLine>, now: number, limits = LIMITS): HashPlace[] {
  const places: HashPlace[] = []
  for (let place = line.enter(now, limits); place; place = line.enter(now, limits)) places.push(place)
  return places
}

/** Hashes of everyone in line, each lasting `hashMs`, in a loop that is at rest. @returns when the last one was done */
function work(places: HashPlace[], startAt: number, hashMs: number): number {
  let now = startAt
  for (const [index, place] of places.entries()) {
    for (const other of places.slice(index + 1)) other.ask(now)
    while (place.ask(now) !== null) now += 1
    now += hashMs
    place.leave()
  }
  return now
}

describe('one hash at a time', () => {
  test('clients 15: begins at once where nothing else is under way', () => {
    expect(enter(createHashLine()).ask(NOW + 1)).toBeNull()
  })

  test('clients 15: lets the next begin when the one before has left, in the order of arrival', () => {
    const line = createHashLine()
    const [first, second, third] = [enter(line), enter(line), enter(line)]
    expect(third.ask(NOW)).toBe(5)
    expect(second.ask(NOW)).toBe(5)
    expect(first.ask(NOW)).toBeNull()
    expect([second.ask(NOW + 1), third.ask(NOW + 1)]).toEqual([5, 5])
    first.leave()
    expect([third.ask(NOW + 2), second.ask(NOW + 2)]).toEqual([5, null])
    second.leave()
    expect(third.ask(NOW + 3)).toBeNull()
  })

  test('clients 15: waits until a turn of the loop had nothing else to do', () => {
    const place = enter(createHashLine())
    expect(place.ask(NOW + 10)).toBe(0)
    expect(place.ask(NOW + 20)).toBe(0)
    expect(place.ask(NOW + 22)).toBeNull()
  })

  test('clients 15: begins after 32 turns of a loop that never comes to rest', () => {
    const place = enter(createHashLine())
    let now = NOW
    let turns = 0
    do {
      now += 10
      turns += 1
    } while (place.ask(now) !== null)
    expect(turns).toBe(32)
  })

  test('clients 15: gives the loop as many turns after each hash', () => {
    const line = createHashLine()
    const [first, second] = [enter(line), enter(line)]
    let now = NOW
    const ask = (place: HashPlace) => {
      now += 10
      return place.ask(now)
    }
    for (let turn = 1; turn < 32; turn++) ask(first)
    for (let turn = 1; turn < 32; turn++) ask(second)
    expect(ask(first)).toBeNull()
    first.leave()
    let turns = 1
    while (ask(second) !== null) turns += 1
    expect(turns).toBe(32)
  })
})

describe('refuses before it waits', () => {
  test.each([1, 2, 5])('clients 15: more than %d in line', (most) => {
    expect(fill(createHashLine(), NOW, { most, withinMs: 60_000 })).toHaveLength(most)
  })

  test('clients 15: what could not begin within 250 ms, first by a guess, then by what hashes take here', () => {
    const line = createHashLine()
    const before = fill(line, NOW)
    expect(before).toHaveLength(6) // 5 × 50 ms in front of the last
    let now = work(before, NOW, 100)
    for (let round = 0; round < 5; round++) now = work(fill(line, now), now, 100)
    const slow = fill(line, now)
    expect(slow).toHaveLength(3)
    now = work(slow, now, 20)
    for (let round = 0; round < 5; round++) now = work(fill(line, now, { ...LIMITS, most: 100 }), now, 20)
    expect(fill(line, now, { ...LIMITS, most: 100 }).length).toBeGreaterThan(10)
  })

  test('clients 15: but not two, however slow hashes were: else it would never learn that they are fast again', () => {
    const line = createHashLine()
    let now = NOW
    for (let round = 0; round < 5; round++) now = work(fill(line, now), now, 5_000)
    expect(fill(line, now)).toHaveLength(3)
  })

  test('clients 15: the time in which no one waited is not taken for a slow hash', () => {
    const line = createHashLine()
    for (let minute = 0; minute < 5; minute++)
      work([enter(line, NOW + minute * 60_000)], NOW + minute * 60_000, 20)
    expect(fill(line, NOW + 600_000)).toHaveLength(6)
  })
})

describe('a request that was cancelled', () => {
  test('clients 15: holds up the others for a few turns when it was first in line', () => {
    const line = createHashLine()
    enter(line).ask(NOW + 10)
    const [second, third] = [enter(line), enter(line)]
    let now = NOW
    let turns = 0
    do {
      now += 1
      turns += 1
      third.ask(now)
    } while (second.ask(now) !== null && turns < 1000)
    expect(turns).toBeLessThan(64)
  })

  test('clients 15: in its hash, holds up the others for ten seconds', () => {
    const line = createHashLine()
    enter(line).ask(NOW)
    const next = enter(line)
    next.ask(NOW + 9_999)
    expect(next.ask(NOW + 9_999)).toBe(5)
    expect(next.ask(NOW + 10_000)).toBeNull()
  })

  test('clients 15: that was only slow to ask takes the last place again', () => {
    const line = createHashLine()
    const [slow, other] = [enter(line), enter(line)]
    let now = NOW
    while (other.ask(now) !== null) now += 1
    expect(slow.ask(now)).toBe(5)
    other.leave()
    expect(slow.ask(now)).toBeNull()
  })
})

describe('whose turn it is', () => {
  const turn = (rank: number, mustYield = () => false): HashTurn => ({ rank: () => rank, mustYield })
  /** Whether it may begin by then, once the loop has come to rest. */
  const begins = (place: HashPlace, at: number) => [0, 1, 2].some(() => place.ask(at) === null)
  const enterAs = (line: ReturnType<typeof createHashLine>, as: HashTurn, now = NOW) =>
    enter(line, now, LIMITS, as)

  test('clients 15: the one attempt of an account goes before the many of another, who came first', () => {
    const line = createHashLine()
    const burst = [enterAs(line, turn(4)), enterAs(line, turn(4))]
    const other = enterAs(line, turn(2))
    expect(burst.map((place) => place.ask(NOW))).toEqual([5, 5])
    expect(other.ask(NOW)).toBeNull()
    other.leave()
    expect(burst[1]?.ask(NOW + 1)).toBe(5)
    expect(burst[0]?.ask(NOW + 1)).toBeNull()
  })

  test('clients 15: a rank may change while it waits, as others of the account come and go', () => {
    const line = createHashLine()
    let underWay = 3
    const crowded = enterAs(line, { rank: () => underWay, mustYield: () => false })
    const other = enterAs(line, turn(2))
    expect(crowded.ask(NOW)).toBe(5)
    underWay = 1
    expect(other.ask(NOW)).toBe(5)
    expect(crowded.ask(NOW + 1)).toBeNull()
  })

  test('clients 15: no rank goes before a hash that has begun', () => {
    const line = createHashLine()
    const begun = enterAs(line, turn(4))
    expect(begun.ask(NOW)).toBeNull()
    const other = enterAs(line, turn(1))
    expect(other.ask(NOW)).toBe(5)
    begun.leave()
    expect(other.ask(NOW + 1)).toBeNull()
  })

  test('clients 15: it is left to one that is still on its way, but for 250 ms at most', () => {
    const line = createHashLine()
    const crowded = enterAs(
      line,
      turn(4, () => true),
    )
    expect(crowded.ask(NOW)).toBe(5)
    expect(crowded.ask(NOW + 249)).toBe(5)
    expect(crowded.ask(NOW + 249)).toBe(5)
    expect(begins(crowded, NOW + 250)).toBe(true)
  })

  test('clients 15: after 250 ms in line no rank goes before any more', () => {
    const line = createHashLine()
    const crowded = enterAs(line, turn(4))
    const others = Array.from({ length: 3 }, () => enterAs(line, turn(2), NOW + 200))
    expect(crowded.ask(NOW + 249)).toBe(5)
    for (const other of others) expect(other.ask(NOW + 250)).toBe(5)
    expect(begins(crowded, NOW + 250)).toBe(true)
  })

  test('clients 15: the time in which one yielded is not taken for a slow hash', () => {
    const line = createHashLine()
    let mustYield = true
    for (let round = 0; round < 5; round++) {
      const at = NOW + round * 1000
      const first = enterAs(line, turn(2), at)
      const crowded = enterAs(
        line,
        turn(4, () => mustYield),
        at,
      )
      expect(first.ask(at)).toBeNull()
      first.leave()
      mustYield = true
      expect(crowded.ask(at + 1)).toBe(5)
      mustYield = false
      expect(begins(crowded, at + 240)).toBe(true)
      crowded.leave()
    }
    expect(fill(line, NOW + 60_000)).toHaveLength(6)
  })

  test('clients 15: only those that go before take a place away, and count against the 250 ms', () => {
    const line = createHashLine()
    for (let taken = 0; taken < 6; taken++) enterAs(line, turn(4))
    expect(line.enter(NOW, LIMITS, turn(4))).toBeNull()
    for (let taken = 0; taken < 6; taken++) enterAs(line, turn(2))
    expect(line.enter(NOW, LIMITS, turn(2))).toBeNull()
    const full = createHashLine()
    const two = { most: 2, withinMs: 60_000 }
    for (const rank of [4, 4, 2, 2]) expect(full.enter(NOW, two, turn(rank))).not.toBeNull()
    for (const rank of [4, 2]) expect(full.enter(NOW, two, turn(rank))).toBeNull()
  })
})
