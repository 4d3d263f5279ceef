/**
 * The moments at which keys expire, and the commands that move them. Amounts are checked as 64-bit integers like
 * Redis does; the moment itself is a double, exact until the year 287396.
 */
import type { Commands } from './command.ts'
import type { Keyspace } from './keyspace.ts'
import { MAX_INT64, MIN_INT64, requireInt64 } from './numbers.ts'
import { refuse } from './reply.ts'

/** Milliseconds in a unit. */
const EXPIRY_UNITS = { EX: 1000n, PX: 1n } as const
export type ExpiryUnit = keyof typeof EXPIRY_UNITS

export function isExpiryUnit(word: string): word is ExpiryUnit {
  return Object.hasOwn(EXPIRY_UNITS, word)
}

/** For commands that set a value and its expiry: refuses zero and negative amounts. */
export function requireExpiry(unit: ExpiryUnit, amount: string, command: string, now: number): number {
  const number = requireInt64(amount)
  const moment = number * EXPIRY_UNITS[unit] + BigInt(now)
  if (number <= 0n || moment > MAX_INT64) refuse(`ERR invalid expire time in '${command}' command`)
  return Number(moment)
}

const NEVER = -1
const MISSING = -2

export function expiryCommands(keyspace: Keyspace): Commands {
  const expire = (command: string, unit: ExpiryUnit) => ({
    arity: 3,
    run: (key: string, amount: string) => {
      const base = BigInt(keyspace.now())
      const scaled = requireInt64(amount) * EXPIRY_UNITS[unit]
      if (scaled > MAX_INT64 - base || scaled < MIN_INT64)
        refuse(`ERR invalid expire time in '${command}' command`)
      const entry = keyspace.find(key)
      if (entry === undefined) return 0
      keyspace.put(key, { ...entry, expiresAt: Number(scaled + base) })
      return 1
    },
  })
  const tell = (answer: (milliseconds: number) => number) => ({
    arity: 2,
    run: (key: string) => {
      const entry = keyspace.find(key)
      if (entry === undefined) return MISSING
      return entry.expiresAt === undefined ? NEVER : answer(entry.expiresAt - keyspace.now())
    },
  })
  return {
    EXPIRE: expire('expire', 'EX'),
    PEXPIRE: expire('pexpire', 'PX'),
    TTL: tell((milliseconds) => Math.floor((milliseconds + 500) / 1000)),
    PTTL: tell((milliseconds) => milliseconds),
  }
}
