/** Commands on strings, counters included. */
import { type Commands, inPairs, refuseSyntax } from './command.ts'
import { type ExpiryUnit, requireExpiry, takeExpiryOption } from './expiry.ts'
import type { Keyspace } from './keyspace.ts'
import { addInt64, MIN_INT64, requireInt64, requireInteger } from './numbers.ts'
import { OK, type Reply, refuse } from './reply.ts'

export function stringCommands(keyspace: Keyspace): Commands {
  const get = (key: string) => keyspace.read(key, 'string') ?? null
  const setWithExpiry = (command: string, unit: ExpiryUnit) => ({
    arity: 4,
    writes: true,
    run: (key: string, amount: string, value: string) => {
      keyspace.putString(key, value, requireExpiry(unit, amount, command, keyspace.now()))
      return OK
    },
  })
  return {
    ...counterCommands(keyspace),
    GET: { arity: 2, run: get },
    SET: { arity: -3, writes: true, run: (key, value, ...words) => set(keyspace, key, value, words) },
    SETNX: {
      arity: 3,
      writes: true,
      run: (key, value) => {
        if (keyspace.find(key) !== undefined) return 0
        keyspace.putString(key, value)
        return 1
      },
    },
    SETEX: setWithExpiry('setex', 'EX'),
    PSETEX: setWithExpiry('psetex', 'PX'),
    GETSET: {
      arity: 3,
      writes: true,
      run: (key, value) => {
        const old = get(key)
        keyspace.putString(key, value)
        return old
      },
    },
    GETDEL: {
      arity: 2,
      writes: true,
      run: (key) => {
        const old = get(key)
        keyspace.remove(key)
        return old
      },
    },
    GETEX: { arity: -2, writes: true, run: (key, ...words) => getAndExpire(keyspace, key, words) },
    MGET: {
      arity: -2,
      run: (...keys) =>
        keys.map((key) => {
          const entry = keyspace.find(key)
          return entry?.type === 'string' ? entry.value : null
        }),
    },
    MSET: {
      arity: -3,
      writes: true,
      run: (...words) => {
        for (const [key, value] of inPairs(words, 'mset')) keyspace.putString(key, value)
        return OK
      },
    },
    APPEND: {
      arity: 3,
      writes: true,
      run: (key, tail) => {
        const value = (get(key) ?? '') + tail
        keyspace.putString(key, value, keyspace.find(key)?.expiresAt)
        return value.length
      },
    },
    STRLEN: { arity: 2, run: (key) => (get(key) ?? '').length },
    GETRANGE: {
      arity: 4,
      run: (key, first, last) => {
        const bounds = [requireInteger(first), requireInteger(last)] as const
        return substring(get(key) ?? '', ...bounds)
      },
    },
  }
}

function counterCommands(keyspace: Keyspace): Commands {
  const increment = (key: string, by: bigint): number => {
    const sum = addInt64(requireInt64(keyspace.read(key, 'string') ?? '0'), by)
    keyspace.putString(key, String(sum), keyspace.find(key)?.expiresAt)
    return Number(sum)
  }
  const decrementBy = (key: string, amount: string) => {
    const by = requireInt64(amount)
    return by === MIN_INT64 ? refuse('ERR decrement would overflow') : increment(key, -by)
  }
  return {
    INCR: { arity: 2, writes: true, run: (key) => increment(key, 1n) },
    DECR: { arity: 2, writes: true, run: (key) => increment(key, -1n) },
    INCRBY: { arity: 3, writes: true, run: (key, amount) => increment(key, requireInt64(amount)) },
    DECRBY: { arity: 3, writes: true, run: decrementBy },
  }
}

type SetOptions = {
  expiry?: { unit: ExpiryUnit; amount: string }
  onlyIf?: 'NX' | 'XX'
  get?: true
  keepsExpiry?: true
}

function parseSetOptions(words: string[]): SetOptions {
  const options: SetOptions = {}
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? ''
    const option = word.toUpperCase()
    if (takeExpiryOption(options, word, words[index + 1])) index++
    else if (option === 'GET') options.get = true
    else if (option === 'KEEPTTL') options.keepsExpiry = true
    else if (option === 'NX' || option === 'XX') {
      if (options.onlyIf !== undefined && options.onlyIf !== option) refuseSyntax()
      options.onlyIf = option
    } else refuseSyntax()
  }
  if (options.keepsExpiry && options.expiry) refuseSyntax()
  return options
}

function set(keyspace: Keyspace, key: string, value: string, words: string[]): Reply {
  const { expiry, onlyIf, get, keepsExpiry } = parseSetOptions(words)
  const expiresAt = expiry && requireExpiry(expiry.unit, expiry.amount, 'set', keyspace.now())
  const old = get ? (keyspace.read(key, 'string') ?? null) : null
  const entry = keyspace.find(key)
  if (onlyIf === undefined || (onlyIf === 'NX') === (entry === undefined)) {
    keyspace.putString(key, value, keepsExpiry ? entry?.expiresAt : expiresAt)
    return get ? old : OK
  }
  return old
}

function getAndExpire(keyspace: Keyspace, key: string, words: string[]): Reply {
  const options: { expiry?: { unit: ExpiryUnit; amount: string } } = {}
  let persist = false
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? ''
    if (takeExpiryOption(options, word, words[index + 1])) index++
    else if (word.toUpperCase() === 'PERSIST') persist = true
    else refuseSyntax()
  }
  const { expiry } = options
  if (persist && expiry) refuseSyntax()
  const value = keyspace.read(key, 'string')
  if (value === undefined) return null
  if (expiry) {
    keyspace.putString(key, value, requireExpiry(expiry.unit, expiry.amount, 'getex', keyspace.now()))
  } else if (persist) keyspace.putString(key, value)
  return value
}

/** Both ends included, counted from the end when negative. */
function substring(value: string, first: number, last: number): string {
  if (first < 0 && last < 0 && first > last) return ''
  const start = Math.max(0, first < 0 ? value.length + first : first)
  const end = Math.max(0, last < 0 ? value.length + last : last)
  return value.slice(start, end + 1)
}
