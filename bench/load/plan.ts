/** What arrives when, made of a seed: the same seed is the same requests at the same moments, whatever the service answers. */

/** What people do, and how often of a hundred requests. */
export const HONEST = {
  'live check': 36,
  refresh: 38,
  'sign-in': 10,
  'list sessions': 5,
  'key set': 5,
  'sign-out': 4,
  'sign-up': 2,
} as const

/** What attackers do: guess at accounts that exist, fill in what leaked elsewhere, and send tokens that they made up. */
export const ATTACKS = {
  'guess a password': 50,
  'try a leaked pair': 30,
  'make up a refresh token': 10,
  'make up an access token': 10,
} as const

export type Honest = keyof typeof HONEST
export type Attack = keyof typeof ATTACKS

export type Arrival = {
  /** Milliseconds since the stage began. */
  atMs: number
  kind: Honest | Attack
  /** Who it is, from 0 to below 1. */
  pick: number
}

export type Random = () => number

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Independent arrivals, so many a second on average (a Poisson process). @param attackShare of them, from 0 to 1 */
export function* arrivals(
  random: Random,
  { rate, seconds, attackShare = 0 }: { rate: number; seconds: number; attackShare?: number },
): Generator<Arrival> {
  for (let atMs = 0; ; ) {
    atMs += (-Math.log(1 - random()) / rate) * 1000
    if (atMs >= seconds * 1000) return
    const kind = random() < attackShare ? choose(ATTACKS, random()) : choose(HONEST, random())
    yield { atMs, kind, pick: random() }
  }
}

function choose<Kind extends string>(weights: Record<Kind, number>, at: number): Kind {
  const kinds = Object.entries<number>(weights) as [Kind, number][] // its keys are the kinds
  let left = at * kinds.reduce((sum, [, weight]) => sum + weight, 0)
  for (const [kind, weight] of kinds) {
    left -= weight
    if (left < 0) return kind
  }
  throw new Error('no kind was chosen')
}
