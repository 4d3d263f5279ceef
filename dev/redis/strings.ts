/** Commands on strings, counters included. */
import { type Commands, refuseSyntax } from './command.ts'
import { type ExpiryUnit, isExpiryUnit, requireExpiry } from './expiry.ts'
import type { Keyspace } from './keyspace.ts'
import { addInt64, requireInt64 } from './numbers.ts'
import { OK, type Reply } from './reply.ts'

export function stringCommands(keyspace: Keyspace): Commands {
  const get = (key: string) => keyspace.read(key, 'string') ?? null
  const increment = (key: string, by: bigint): number => {
    const sum = addInt64(requireInt64(get(key) ?? '0'), by)
    keyspace.put(key, { type: 'string', value: String(sum), expiresAt: keyspace.find(key)?.expiresAt })
    return Number(sum)
  }
  return {
    GET: { arity: 2, run: get },
    SET: { arity: -3, run: (key, value, ...words) => set(keyspace, key, value, words) },
    GETDEL: {
      arity: 2,
      run: (key) => {
        const old = get(key)
        keyspace.remove(key)
        return old
      },
    },
    MGET: {
      arity: -2,
      run: (...keys) =>
        keys.map((key) => {
          const entry = keyspace.find(key)
          return entry?.type === 'string' ? entry.value : null
        }),
    },
    INCR: { arity: 2, run: (key) => increment(key, 1n) },
    INCRBY: { arity: 3, run: (key, amount) => increment(key, requireInt64(amount)) },
  }
}

type SetOptions = { expiry?: { unit: ExpiryUnit; amount: string }; onlyIf?: 'NX' | 'XX' }

function parseSetOptions(words: string[]): SetOptions {
  const options: SetOptions = {}
  for (let index = 0; index < words.length; index++) {
    const option = words[index]?.toUpperCase() ?? ''
    if (isExpiryUnit(option)) {
      const amount = words[++index] ?? refuseSyntax()
      if (options.expiry && options.expiry.unit !== option) refuseSyntax()
      options.expiry = { unit: option, amount }
    } else if (option === 'NX' || option === 'XX') {
      if (options.onlyIf && options.onlyIf !== option) refuseSyntax()
      options.onlyIf = option
    } else refuseSyntax()
  }
  return options
}

function set(keyspace: Keyspace, key: string, value: string, words: string[]): Reply {
  const { expiry, onlyIf } = parseSetOptions(words)
  const expiresAt = expiry && requireExpiry(expiry.unit, expiry.amount, 'set', keyspace.now())
  if (onlyIf !== undefined && (onlyIf === 'NX') !== (keyspace.find(key) === undefined)) return null
  keyspace.put(key, { type: 'string', value, expiresAt })
  return OK
}
