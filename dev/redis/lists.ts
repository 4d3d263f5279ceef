/** Commands on lists. */
import type { Commands } from './command.ts'
import type { Keyspace } from './keyspace.ts'
import { requireInteger } from './numbers.ts'
import { OK, type Reply, refuse } from './reply.ts'

/** Redis's ranges: both ends included, counted from the end when negative. */
export function inRange<T>(items: T[], first: string, last: string): T[] {
  const [from, to] = [requireInteger(first), requireInteger(last)]
  const start = Math.max(0, from < 0 ? items.length + from : from)
  const end = to < 0 ? items.length + to : to
  return end < start ? [] : items.slice(start, end + 1)
}

export function listCommands(keyspace: Keyspace): Commands {
  const read = (key: string) => keyspace.read(key, 'list')
  const pop = (command: string, take: (list: string[], count: number) => string[]) => ({
    arity: -2,
    writes: true,
    run: (key: string, count?: string, ...rest: string[]): Reply => {
      if (rest.length > 0) refuse(`ERR wrong number of arguments for '${command}' command`)
      const wanted = count === undefined ? 1 : requirePositive(count)
      const list = read(key)
      if (list === undefined) return null
      const taken = take(list, wanted)
      keyspace.dropIfEmpty(key)
      return count === undefined ? (taken[0] ?? null) : taken
    },
  })
  return {
    LPUSH: {
      arity: -3,
      writes: true,
      run: (key, ...values) => keyspace.open(key, 'list').unshift(...values.reverse()),
    },
    RPUSH: { arity: -3, writes: true, run: (key, ...values) => keyspace.open(key, 'list').push(...values) },
    LPOP: pop('lpop', (list, count) => list.splice(0, count)),
    RPOP: pop('rpop', (list, count) => list.splice(Math.max(0, list.length - count)).reverse()),
    LLEN: { arity: 2, run: (key) => read(key)?.length ?? 0 },
    LRANGE: {
      arity: 4,
      run: (key, first, last) => {
        inRange([], first, last) // the bounds are refused before the type is
        return inRange(read(key) ?? [], first, last)
      },
    },
    LREM: {
      arity: 4,
      writes: true,
      run: (key, count, value) => {
        const wanted = requireInteger(count)
        const list = read(key)
        const found = (list ?? []).flatMap((item, index) => (item === value ? index : []))
        const doomed = new Set(wanted < 0 ? found.slice(wanted) : found.slice(0, wanted || found.length))
        list?.splice(0, list.length, ...list.filter((_, index) => !doomed.has(index)))
        keyspace.dropIfEmpty(key)
        return doomed.size
      },
    },
    LTRIM: {
      arity: 4,
      writes: true,
      run: (key, first, last) => {
        inRange([], first, last)
        const list = read(key)
        list?.splice(0, list.length, ...inRange(list, first, last))
        keyspace.dropIfEmpty(key)
        return OK
      },
    },
  }
}

function requirePositive(count: string): number {
  const number = requireInteger(count, 'ERR value is out of range, must be positive')
  return number < 0 ? refuse('ERR value is out of range, must be positive') : number
}
