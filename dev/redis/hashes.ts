/** Commands on hashes. */
import { type Commands, inPairs } from './command.ts'
import type { Keyspace } from './keyspace.ts'
import { addInt64, requireInt64 } from './numbers.ts'
import { OK, type Reply } from './reply.ts'

export function hashCommands(keyspace: Keyspace): Commands {
  const read = (key: string) => keyspace.read(key, 'hash')
  const setFields = (command: string, reply: (added: number) => Reply) => ({
    arity: -4,
    writes: true,
    run: (key: string, ...words: string[]) => {
      const pairs = inPairs(words, command)
      const hash = keyspace.open(key, 'hash')
      const before = hash.size
      for (const [field, value] of pairs) hash.set(field, value)
      return reply(hash.size - before)
    },
  })
  return {
    HSET: setFields('hset', (added) => added),
    HMSET: setFields('hmset', () => OK),
    HSETNX: {
      arity: 4,
      writes: true,
      run: (key, field, value) => {
        if (read(key)?.has(field)) return 0
        keyspace.open(key, 'hash').set(field, value)
        return 1
      },
    },
    HGET: { arity: 3, run: (key, field) => read(key)?.get(field) ?? null },
    HMGET: {
      arity: -3,
      run: (key, ...fields) => {
        const hash = read(key)
        return fields.map((field) => hash?.get(field) ?? null)
      },
    },
    HGETALL: { arity: 2, run: (key) => [...(read(key) ?? [])].flat() },
    HKEYS: { arity: 2, run: (key) => [...(read(key)?.keys() ?? [])] },
    HVALS: { arity: 2, run: (key) => [...(read(key)?.values() ?? [])] },
    HLEN: { arity: 2, run: (key) => read(key)?.size ?? 0 },
    HEXISTS: { arity: 3, run: (key, field) => Number(read(key)?.has(field) ?? false) },
    HDEL: {
      arity: -3,
      writes: true,
      run: (key, ...fields) => {
        const hash = read(key)
        const removed = fields.filter((field) => hash?.delete(field)).length
        keyspace.dropIfEmpty(key)
        return removed
      },
    },
    HINCRBY: {
      arity: 4,
      writes: true,
      run: (key, field, amount) => {
        const by = requireInt64(amount)
        const sum = addInt64(
          requireInt64(read(key)?.get(field) ?? '0', 'ERR hash value is not an integer'),
          by,
        )
        keyspace.open(key, 'hash').set(field, String(sum))
        return Number(sum)
      },
    },
  }
}
