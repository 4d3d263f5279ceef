/** Commands on sets. */
import type { Commands } from './command.ts'
import type { Keyspace } from './keyspace.ts'

export function setCommands(keyspace: Keyspace): Commands {
  const read = (key: string) => keyspace.read(key, 'set')
  const combine = (operation: SetOperation) => ({
    arity: -2,
    run: (...keys: string[]) => [...operation(keys.map((key) => read(key) ?? new Set()))],
  })
  const combineInto = (operation: SetOperation) => ({
    arity: -3,
    writes: true,
    run: (destination: string, ...keys: string[]) => {
      const value = operation(keys.map((key) => read(key) ?? new Set()))
      keyspace.put(destination, { type: 'set', value, expiresAt: undefined })
      keyspace.dropIfEmpty(destination)
      return value.size
    },
  })
  return {
    SADD: {
      arity: -3,
      writes: true,
      run: (key, ...members) => {
        const set = keyspace.open(key, 'set')
        const before = set.size
        for (const member of members) set.add(member)
        return set.size - before
      },
    },
    SREM: {
      arity: -3,
      writes: true,
      run: (key, ...members) => {
        const set = read(key)
        const removed = members.filter((member) => set?.delete(member)).length
        keyspace.dropIfEmpty(key)
        return removed
      },
    },
    SMEMBERS: { arity: 2, run: (key) => [...(read(key) ?? [])] },
    SCARD: { arity: 2, run: (key) => read(key)?.size ?? 0 },
    SISMEMBER: { arity: 3, run: (key, member) => Number(read(key)?.has(member) ?? false) },
    SMISMEMBER: {
      arity: -3,
      run: (key, ...members) => {
        const set = read(key)
        return members.map((member) => Number(set?.has(member) ?? false))
      },
    },
    SUNION: combine(union),
    SINTER: combine(intersection),
    SDIFF: combine(difference),
    SUNIONSTORE: combineInto(union),
    SINTERSTORE: combineInto(intersection),
    SDIFFSTORE: combineInto(difference),
  }
}

type SetOperation = (sets: Set<string>[]) => Set<string>

const union: SetOperation = (sets) => new Set(sets.flatMap((set) => [...set]))

const intersection: SetOperation = ([first, ...others]) =>
  new Set([...(first ?? [])].filter((member) => others.every((other) => other.has(member))))

const difference: SetOperation = ([first, ...others]) =>
  new Set([...(first ?? [])].filter((member) => !others.some((other) => other.has(member))))
