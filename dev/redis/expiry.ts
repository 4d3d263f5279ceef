/**
 * The moments at which keys expire, and the commands that move them. Amounts are checked as 64-bit integers like
 * Redis does; the moment itself is a double, exact until the year 287396.
 */
import { type Commands, refuseSyntax } from './command.ts'
import type { Keyspace } from './keyspace.ts'
import { MAX_INT64, MIN_INT64, requireInt64 } from './numbers.ts'
import { oneLine, refuse, untilZero } from './reply.ts'

/** The options of SET and GETEX: seconds or milliseconds, from now or since 1970. */
const EXPIRY_UNITS = {
  EX: { perUnit: 1000n, fromNow: true },
  PX: { perUnit: 1n, fromNow: true },
  EXAT: { perUnit: 1000n, fromNow: false },
  PXAT: { perUnit: 1n, fromNow: false },
} as const
export type ExpiryUnit = keyof typeof EXPIRY_UNITS

export function isExpiryUnit(word: string): word is ExpiryUnit {
  return Object.hasOwn(EXPIRY_UNITS, word)
}

/** For commands that set a value and its expiry: refuses zero and negative amounts. */
export function requireExpiry(unit: ExpiryUnit, amount: string, command: string, now: number): number {
  const { perUnit, fromNow } = EXPIRY_UNITS[unit]
  const number = requireInt64(amount)
  const moment = number * perUnit + (fromNow ? BigInt(now) : 0n)
  if (number <= 0n || moment > MAX_INT64) refuse(`ERR invalid expire time in '${command}' command`)
  return Number(moment)
}

const NEVER = -1
const MISSING = -2

export function expiryCommands(keyspace: Keyspace): Commands {
  const expire = (command: string, unit: ExpiryUnit) => ({
    arity: -3,
    writes: true,
    run: (key: string, amount: string, ...flags: string[]) => {
      const { perUnit, fromNow } = EXPIRY_UNITS[unit]
      const allows = parseExpireFlags(flags)
      const base = fromNow ? BigInt(keyspace.now()) : 0n
      const scaled = requireInt64(amount) * perUnit
      if (scaled > MAX_INT64 - base || scaled < MIN_INT64)
        refuse(`ERR invalid expire time in '${command}' command`)
      const moment = Number(scaled + base)
      const entry = keyspace.find(key)
      if (entry === undefined || !allows(moment, entry.expiresAt)) return 0
      keyspace.put(key, { ...entry, expiresAt: moment })
      return 1
    },
  })
  const tell = (answer: (expiresAt: number) => number) => ({
    arity: 2,
    run: (key: string) => {
      const entry = keyspace.find(key)
      if (entry === undefined) return MISSING
      return entry.expiresAt === undefined ? NEVER : answer(entry.expiresAt)
    },
  })
  const inSeconds = (milliseconds: number) => Math.floor((milliseconds + 500) / 1000)
  return {
    EXPIRE: expire('expire', 'EX'),
    PEXPIRE: expire('pexpire', 'PX'),
    EXPIREAT: expire('expireat', 'EXAT'),
    PEXPIREAT: expire('pexpireat', 'PXAT'),
    TTL: tell((expiresAt) => inSeconds(expiresAt - keyspace.now())),
    PTTL: tell((expiresAt) => expiresAt - keyspace.now()),
    EXPIRETIME: tell(inSeconds),
    PEXPIRETIME: tell((expiresAt) => expiresAt),
    PERSIST: {
      arity: 2,
      writes: true,
      run: (key) => {
        const entry = keyspace.find(key)
        if (entry?.expiresAt === undefined) return 0
        entry.expiresAt = undefined
        return 1
      },
    },
  }
}

/** A key without expiry counts as one that expires never, so GT never allows and LT always does. */
function parseExpireFlags(words: string[]): (moment: number, current: number | undefined) => boolean {
  const flags = new Set<string>()
  for (const word of words) {
    const flag = word.toUpperCase()
    if (!['NX', 'XX', 'GT', 'LT'].includes(flag)) refuse(oneLine(`ERR Unsupported option ${untilZero(word)}`))
    flags.add(flag)
  }
  if (flags.has('NX') && flags.size > 1) {
    refuse('ERR NX and XX, GT or LT options at the same time are not compatible')
  }
  if (flags.has('GT') && flags.has('LT')) refuse('ERR GT and LT options at the same time are not compatible')
  return (moment, current) => {
    if (flags.has('NX') && current !== undefined) return false
    if (flags.has('XX') && current === undefined) return false
    if (flags.has('GT') && (current === undefined || moment <= current)) return false
    return !(flags.has('LT') && current !== undefined && moment >= current)
  }
}

/** Options that SET and GETEX share: at most one expiry, which also excludes KEEPTTL and PERSIST. */
export function takeExpiryOption(
  options: { expiry?: { unit: ExpiryUnit; amount: string } },
  word: string,
  amount: string | undefined,
): boolean {
  const unit = word.toUpperCase()
  if (!isExpiryUnit(unit)) return false
  if (amount === undefined || (options.expiry !== undefined && options.expiry.unit !== unit)) refuseSyntax()
  options.expiry = { unit, amount }
  return true
}
