/**
 * How many requests that will hash a password an isolate has taken on at a time; beyond a number, more are refused at once.
 * A count and no queue: a promise of one request that another awaits never settles when the first one's client is gone.
 */

export type HashSlots = {
  /**
   * Takes a place and returns what gives it back, or null when all are taken.
   * @param now milliseconds; @param most how many of `whose` may be under way
   */
  take(now: number, most: number, whose?: string): (() => void) | null
  /** How many of `whose` are under way. */
  count(whose: string): number
  /** Whether one of another is under way, of whom fewer are. */
  hasQuieter(whose: string): boolean
}

/** A request that was cancelled never gives its place back: after so long it is taken to be gone. */
const EXPIRES_MS = 10_000
const DEAR_EXPIRES_MS = 30_000

export function createHashSlots(expiresMs = EXPIRES_MS): HashSlots {
  const taken = new Set<{ at: number; whose: string }>()
  const count = (whose: string) => [...taken].filter((slot) => slot.whose === whose).length
  return {
    count,
    hasQuieter(whose) {
      const counts = new Map<string, number>()
      for (const { whose: one } of taken) counts.set(one, (counts.get(one) ?? 0) + 1)
      const own = counts.get(whose) ?? 0
      return [...counts].some(([one, others]) => one !== '' && others < own)
    },
    take(now, most, whose = '') {
      for (const slot of taken) if (slot.at <= now - expiresMs) taken.delete(slot)
      if (count(whose) >= most) return null
      const slot = { at: now, whose }
      taken.add(slot)
      return () => taken.delete(slot)
    },
  }
}

/** Those of this isolate: of all accounts (no `whose`), and of each. */
export const hashSlots = createHashSlots()

/**
 * Those of imported hashes that take seconds (`isDear`): their own, so that one takes up no place of ten of ours, and so that
 * there is one at a time.
 */
export const dearHashSlot = createHashSlots(DEAR_EXPIRES_MS)
