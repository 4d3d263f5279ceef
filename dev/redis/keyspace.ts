/**
 * The keys, their values and when they expire. Expired keys are never seen: they go when they are next looked at.
 * Time does not advance while one command, script or transaction runs, as it does in Redis.
 */
import { refuse } from './reply.ts'

export type Values = {
  string: string
  list: string[]
  zset: Map<string, number>
}
export type ValueType = keyof Values

/** `expiresAt`: milliseconds since 1970; undefined for a key that stays. */
export type Entry = {
  [T in ValueType]: { type: T; value: Values[T]; expiresAt: number | undefined }
}[ValueType]

export type Keyspace = ReturnType<typeof createKeyspace>

const EMPTY: { [T in ValueType]: () => Values[T] } = {
  string: () => '',
  list: () => [],
  zset: () => new Map(),
}

export function createKeyspace(clock: () => number) {
  const entries = new Map<string, Entry>()
  let now = clock()

  const find = (key: string): Entry | undefined => {
    const entry = entries.get(key)
    if (entry?.expiresAt === undefined || entry.expiresAt > now) return entry
    entries.delete(key)
    return undefined
  }

  /** @returns the value, or undefined when there is none; refuses a key that holds another type */
  const read = <T extends ValueType>(key: string, type: T): Values[T] | undefined => {
    const entry = find(key)
    if (entry === undefined) return undefined
    if (entry.type !== type) refuse('WRONGTYPE Operation against a key holding the wrong kind of value')
    return entry.value as Values[T] // entry.type is T, which TypeScript cannot relate to the union
  }

  return {
    now: () => now,
    /** To be called before each command, script or transaction. */
    readClock: () => {
      now = clock()
    },
    find,
    read,
    /** The value to be changed in place; created when missing. */
    open: <T extends ValueType>(key: string, type: T): Values[T] => {
      const known = read(key, type)
      if (known !== undefined) return known
      const value = EMPTY[type]()
      entries.set(key, { type, value, expiresAt: undefined } as Entry) // type and value belong together
      return value
    },
    /** Replaces whatever the key held. A moment that has passed removes it. */
    put: (key: string, entry: Entry) => {
      if (entry.expiresAt !== undefined && entry.expiresAt <= now) entries.delete(key)
      else entries.set(key, entry)
    },
    remove: (key: string): boolean => find(key) !== undefined && entries.delete(key),
    keys: (): string[] => [...entries.keys()].filter((key) => find(key) !== undefined),
    clear: () => entries.clear(),
  }
}
