/** Commands on sorted sets. Ordered by score and then by bytes when read; sets here are small. */
import { type Commands, refuseSyntax } from './command.ts'
import type { Keyspace } from './keyspace.ts'
import { inRange } from './lists.ts'
import { formatDouble, requireDouble } from './numbers.ts'

export function sortedSetCommands(keyspace: Keyspace): Commands {
  return {
    ZINCRBY: {
      arity: 4,
      run: (key, amount, member) => {
        const by = requireDouble(amount)
        const set = keyspace.open(key, 'zset')
        const score = (set.get(member) ?? 0) + by
        set.set(member, score)
        return formatDouble(score)
      },
    },
    ZRANGE: {
      arity: -4,
      run: (key, first, last, ...words) => {
        if (words.length > 1 || (words.length === 1 && words[0]?.toUpperCase() !== 'WITHSCORES'))
          refuseSyntax()
        inRange([], first, last) // the bounds are refused before the type is
        const members = [...(keyspace.read(key, 'zset') ?? [])]
        members.sort(([a, scoreOfA], [b, scoreOfB]) => scoreOfA - scoreOfB || (a < b ? -1 : 1))
        return inRange(members, first, last).flatMap(([member, score]) =>
          words.length > 0 ? [member, formatDouble(score)] : [member],
        )
      },
    },
  }
}
