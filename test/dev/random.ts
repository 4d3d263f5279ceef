/** Random numbers that can be repeated: sfc32, which passes PractRand; a poor generator here once hid real differences. */

export type Random = ReturnType<typeof createRandom>

export function createRandom(seed: number) {
  let a = 0x9e3779b9
  let b = 0x243f6a88
  let c = 0xb7e15162
  let counter = seed | 0
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return (sum >>> 0) / 2 ** 32
  }
  for (let round = 0; round < 20; round++) next()

  const below = (limit: number) => Math.floor(next() * limit)
  const pick = <T>(items: readonly T[]): T => {
    const item = items[below(items.length)]
    if (item === undefined) throw new Error('nothing to pick from')
    return item
  }
  return {
    below,
    pick,
    chance: (probability: number) => next() < probability,
    /** Between none and `most` of what `make` makes. */
    upTo: <T>(most: number, make: () => T): T[] => Array.from({ length: below(most + 1) }, make),
  }
}
