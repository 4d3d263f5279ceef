/** Commands on lists. */
import type { Commands } from './command.ts'
import type { Keyspace } from './keyspace.ts'
import { requireInteger } from './numbers.ts'
import { OK } from './reply.ts'

/** Redis's ranges: both ends included, counted from the end when negative. */
export function inRange<T>(items: T[], first: string, last: string): T[] {
  const [from, to] = [requireInteger(first), requireInteger(last)]
  const start = Math.max(0, from < 0 ? items.length + from : from)
  const end = to < 0 ? items.length + to : to
  return end < start ? [] : items.slice(start, end + 1)
}

export function listCommands(keyspace: Keyspace): Commands {
  return {
    RPUSH: { arity: -3, run: (key, ...values) => keyspace.open(key, 'list').push(...values) },
    LLEN: { arity: 2, run: (key) => keyspace.read(key, 'list')?.length ?? 0 },
    LRANGE: {
      arity: 4,
      run: (key, first, last) => {
        inRange([], first, last) // the bounds are refused before the type is
        return inRange(keyspace.read(key, 'list') ?? [], first, last)
      },
    },
    LREM: {
      arity: 4,
      run: (key, count, value) => {
        const wanted = requireInteger(count)
        const list = keyspace.read(key, 'list')
        const found = (list ?? []).flatMap((item, index) => (item === value ? index : []))
        const removed = new Set(wanted < 0 ? found.slice(wanted) : found.slice(0, wanted || found.length))
        list?.splice(0, list.length, ...list.filter((_, index) => !removed.has(index)))
        if (list?.length === 0) keyspace.remove(key)
        return removed.size
      },
    },
    LTRIM: {
      arity: 4,
      run: (key, first, last) => {
        inRange([], first, last)
        const list = keyspace.read(key, 'list')
        list?.splice(0, list.length, ...inRange(list, first, last))
        if (list?.length === 0) keyspace.remove(key) // Redis knows no empty list
        return OK
      },
    },
  }
}
