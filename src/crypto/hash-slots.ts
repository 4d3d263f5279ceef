/**
 * How many password hashes an isolate has taken on. A hash holds the thread for tens of milliseconds, so that those that
 * wait decide how long everybody waits; beyond a number, more are refused at once. A count and no queue: a promise of one
 * request that another awaits never settles when the first one's client is gone (ARGON2.md).
 */

export type HashSlots = {
  /**
   * Takes a place and returns what gives it back, or null when all are taken.
   * @param now milliseconds; @param most how many may be under way
   */
  take(now: number, most: number): (() => void) | null
}

/** A request that was cancelled never gives its place back: after so long it is taken to be gone. */
const EXPIRES_MS = 10_000
const DEAR_EXPIRES_MS = 30_000

export function createHashSlots(expiresMs = EXPIRES_MS): HashSlots {
  const takenAt = new Set<{ at: number }>()
  return {
    take(now, most) {
      for (const slot of takenAt) if (slot.at <= now - expiresMs) takenAt.delete(slot)
      if (takenAt.size >= most) return null
      const slot = { at: now }
      takenAt.add(slot)
      return () => takenAt.delete(slot)
    },
  }
}

/** Those of this isolate, beside its one Argon2 instance. */
export const hashSlots = createHashSlots()

/**
 * Those of imported hashes that take seconds (`isDear`): their own, so that one takes up no place of ten of ours, and so that
 * there is one at a time.
 */
export const dearHashSlot = createHashSlots(DEAR_EXPIRES_MS)
