/**
 * The line of password hashes of an isolate. A hash holds the one thread for tens of milliseconds, and answers that have
 * arrived for other requests are read in between, a few at each turn of the event loop: so there is one hash at a time,
 * and the next begins when the loop has come to rest. What could not begin in time is refused before it waits. Those in
 * line ask again and again: a promise of one request that another awaits never settles when the first one's client is
 * gone.
 *
 * It is no queue of arrival: many attempts at one account wait for the one attempt at another, so that a burst at an
 * account delays itself and not the others. That lasts for `withinMs`; then it is their turn all the same.
 */

export type HashLine = {
  /**
   * Takes a place, or null when `most` go before it or those would take longer than `withinMs`. Who goes after it takes no
   * place away: a burst that waits for others would shut out the very others.
   * @param now milliseconds
   */
  enter(now: number, limits: { most: number; withinMs: number }, turn?: HashTurn): HashPlace | null
}

/** What decides whose hash is next. Both may change while it is in line. */
export type HashTurn = {
  /** The lowest is next; of equal ones, who came first. */
  rank(): number
  /** Whether one that goes before it is still on its way to the line. */
  mustYield(): boolean
}

const ANY: HashTurn = { rank: () => 0, mustYield: () => false }

export type HashPlace = {
  /** Null when the hash may begin now, else after how many milliseconds to ask again. The first question comes a turn of the loop after `enter`. */
  ask(now: number): number | null
  /** Gives the place up: when the hash is done, or is not wanted any more. */
  leave(): void
}

/** `enteredAt` and `begunAt` are milliseconds; `askedAt` too, and `asked` is the number of that question. */
type InLine = {
  enteredAt: number
  withinMs: number
  turn: HashTurn
  hasYielded: boolean
  begunAt: number | null
  askedAt: number
  asked: number
  turns: number
}

/** From one hash to the next, before that was measured. */
const FIRST_PACE_MS = 50
/** Between two questions of one that is not the first. Of many, those far behind ask less often: questions hold the loop, too. */
const PAUSE_MS = 5
const ASK_ALIKE = 4
/** A turn of the loop that takes longer had something else to do. */
const CALM_TURN_MS = 2
/** In a loop that never comes to rest a hash begins all the same after so many turns. */
const MOST_TURNS = 32
/** A request that was cancelled never leaves: after so many rounds of questions without its own, or so long in a hash, it is gone. */
const SILENT_ROUNDS = 16
const LONGEST_HASH_MS = 10_000

export function createHashLine(): HashLine {
  const line = new Set<InLine>()
  let [paceMs, asked, lastBegunAt] = [FIRST_PACE_MS, 0, 0]

  function dropGone(now: number): void {
    for (const one of line) {
      const isSilent = asked - one.asked > SILENT_ROUNDS * (line.size + 1)
      if (one.begunAt === null ? isSilent : one.begunAt <= now - LONGEST_HASH_MS) line.delete(one)
    }
  }

  function begin(own: InLine, now: number): void {
    // Only one that was waiting before can tell: for another, or while one yielded, the isolate may have been idle.
    if (own.enteredAt <= lastBegunAt && !own.hasYielded) paceMs = 0.7 * paceMs + 0.3 * (now - lastBegunAt)
    for (const other of line) other.turns = 0
    own.begunAt = now
    lastBegunAt = now
  }

  /** After `withinMs` no rank counts any more, so that none waits for ever. */
  const isAged = (one: InLine, now: number) => now - one.enteredAt >= one.withinMs
  function rankOf(one: InLine, now: number): number {
    if (one.begunAt !== null) return Number.NEGATIVE_INFINITY
    return isAged(one, now) ? -1 : one.turn.rank()
  }
  /** How many go before: those of a lower rank, and of the same rank those who came first. */
  function countBefore(own: InLine, now: number): number {
    const rank = rankOf(own, now)
    let [count, isBehind] = [0, false]
    for (const one of line) {
      if (one === own) isBehind = true
      else if (rankOf(one, now) < rank || (rankOf(one, now) === rank && !isBehind)) count += 1
    }
    return count
  }

  return {
    enter(now, { most, withinMs }, turn = ANY) {
      dropGone(now)
      const rank = turn.rank()
      const before = [...line].filter((one) => rankOf(one, now) <= rank).length
      // However slow hashes were, two may be in line: else the pace would never be measured again.
      if (before >= most || before * Math.min(paceMs, withinMs / 2) > withinMs) return null
      const fresh = { enteredAt: now, begunAt: null, askedAt: now, asked, turns: 0 }
      const own: InLine = { ...fresh, withinMs, turn, hasYielded: false }
      line.add(own)
      return {
        ask(at) {
          const isCalm = at - own.askedAt <= CALM_TURN_MS
          asked += 1
          Object.assign(own, { asked, askedAt: at })
          line.add(own) // anew, should it have been taken to be gone
          dropGone(at)
          const before = countBefore(own, at)
          if (before > 0) return PAUSE_MS * Math.ceil(before / ASK_ALIKE)
          if (!isAged(own, at) && turn.mustYield()) {
            own.hasYielded = true
            return PAUSE_MS
          }
          own.turns += 1
          if (!isCalm && own.turns < MOST_TURNS) return 0
          begin(own, at)
          return null
        },
        leave: () => line.delete(own),
      }
    },
  }
}

/** That of this isolate, before its one Argon2 instance. */
export const hashLine = createHashLine()
