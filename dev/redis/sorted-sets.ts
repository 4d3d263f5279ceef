/** Commands on sorted sets. Ordered by score and then by bytes when read; sets here are small. */
import { type Commands, refuseSyntax } from './command.ts'
import type { Keyspace } from './keyspace.ts'
import { inRange } from './lists.ts'
import { formatDouble, requireDouble, requireInteger } from './numbers.ts'
import { type Reply, refuse } from './reply.ts'

type ScoredMember = { member: string; score: number }

export function sortedSetCommands(keyspace: Keyspace): Commands {
  const read = (key: string) => keyspace.read(key, 'zset')
  return {
    ZADD: { arity: -4, writes: true, run: (key, ...words) => add(keyspace, key, words) },
    ZINCRBY: {
      arity: 4,
      writes: true,
      run: (key, amount, member) => {
        const by = requireDouble(amount)
        const score = sum(read(key)?.get(member), by)
        setScore(keyspace.open(key, 'zset'), member, score)
        return formatDouble(score)
      },
    },
    ZSCORE: {
      arity: 3,
      run: (key, member) => {
        const score = read(key)?.get(member)
        return score === undefined ? null : formatDouble(score)
      },
    },
    ZCARD: { arity: 2, run: (key) => read(key)?.size ?? 0 },
    ZREM: {
      arity: -3,
      writes: true,
      run: (key, ...members) => removeMembers(keyspace, key, members),
    },
    ZCOUNT: {
      arity: 4,
      run: (key, least, most) => {
        const includes = parseScoreRange(least, most)
        return sorted(read(key)).filter(({ score }) => includes(score)).length
      },
    },
    ZREMRANGEBYSCORE: {
      arity: 4,
      writes: true,
      run: (key, least, most) => {
        const includes = parseScoreRange(least, most)
        const members = sorted(read(key)).filter(({ score }) => includes(score))
        return removeMembers(keyspace, key, namesOf(members))
      },
    },
    ZREMRANGEBYRANK: {
      arity: 4,
      writes: true,
      run: (key, first, last) => {
        inRange([], first, last) // the bounds are refused before the type is
        return removeMembers(keyspace, key, namesOf(inRange(sorted(read(key)), first, last)))
      },
    },
    ZRANGE: { arity: -4, run: (key, from, to, ...words) => range(keyspace, key, from, to, words) },
  }
}

const ADD_FLAGS = ['NX', 'XX', 'GT', 'LT', 'CH', 'INCR']

function add(keyspace: Keyspace, key: string, words: string[]): Reply {
  const flags = new Set<string>()
  const firstPair = words.findIndex((word) => {
    const flag = word.toUpperCase()
    return !(ADD_FLAGS.includes(flag) && flags.add(flag))
  })
  const pairs = parseScoredMembers(firstPair < 0 ? [] : words.slice(firstPair), flags)
  const set = keyspace.open(key, 'zset')
  let added = 0
  let changed = 0
  let incremented: number | null = null
  try {
    for (const { member, score: given } of pairs) {
      const old = set.get(member)
      const score = flags.has('INCR') && !skipsBecauseItExists(flags, old) ? sum(old, given) : given
      if (!allowsScore(flags, old, score)) continue
      if (old === undefined) added++
      else if (old !== score) changed++
      setScore(set, member, score)
      incremented = score
    }
  } finally {
    keyspace.dropIfEmpty(key)
  }
  if (flags.has('INCR')) return incremented === null ? null : formatDouble(incremented)
  return flags.has('CH') ? added + changed : added
}

function parseScoredMembers(words: string[], flags: Set<string>): ScoredMember[] {
  if (words.length === 0 || words.length % 2 !== 0) refuseSyntax()
  if (flags.has('NX') && flags.has('XX')) refuse('ERR XX and NX options at the same time are not compatible')
  const exclusive = ['GT', 'LT', 'NX'].filter((flag) => flags.has(flag))
  if (exclusive.length > 1) refuse('ERR GT, LT, and/or NX options at the same time are not compatible')
  if (flags.has('INCR') && words.length > 2) {
    refuse('ERR INCR option supports a single increment-element pair')
  }
  const pairs: ScoredMember[] = []
  for (let index = 0; index < words.length; index += 2) {
    pairs.push({ score: requireDouble(words[index] ?? ''), member: words[index + 1] ?? '' })
  }
  return pairs
}

function skipsBecauseItExists(flags: Set<string>, old: number | undefined): boolean {
  return old === undefined ? flags.has('XX') : flags.has('NX')
}

function allowsScore(flags: Set<string>, old: number | undefined, score: number): boolean {
  if (skipsBecauseItExists(flags, old)) return false
  if (old === undefined) return true
  return !((flags.has('GT') && score <= old) || (flags.has('LT') && score >= old))
}

/** Redis keeps small sets as packed integers where it can, and so forgets the sign of zero; replies still show it. */
function setScore(set: Map<string, number>, member: string, score: number) {
  set.set(member, score + 0)
}

function sum(score: number | undefined, by: number): number {
  const total = score === undefined ? by : score + by // a new -0 stays -0
  return Number.isNaN(total) ? refuse('ERR resulting score is not a number (NaN)') : total
}

function removeMembers(keyspace: Keyspace, key: string, members: string[]): number {
  const set = keyspace.read(key, 'zset')
  const removed = members.filter((member) => set?.delete(member)).length
  keyspace.dropIfEmpty(key)
  return removed
}

function range(keyspace: Keyspace, key: string, from: string, to: string, words: string[]): Reply {
  const { reversed, byScore, withScores, limit } = parseRangeOptions(words)
  const inOrder = (members: ScoredMember[]) => (reversed ? members.reverse() : members)
  let chosen: ScoredMember[]
  if (byScore) {
    const includes = reversed ? parseScoreRange(to, from) : parseScoreRange(from, to)
    chosen = inOrder(sorted(keyspace.read(key, 'zset')).filter(({ score }) => includes(score)))
    if (limit) chosen = limit.offset < 0 ? [] : chosen.slice(limit.offset).slice(0, limit.count)
  } else {
    inRange([], from, to) // the bounds are refused before the type is
    chosen = inRange(inOrder(sorted(keyspace.read(key, 'zset'))), from, to)
  }
  return chosen.flatMap(({ member, score }) => (withScores ? [member, formatDouble(score)] : [member]))
}

type RangeOptions = {
  reversed: boolean
  byScore: boolean
  withScores: boolean
  limit: { offset: number; count: number } | undefined
}

/** BYLEX is not served: nothing here uses it, and it is refused rather than answered wrongly. */
function parseRangeOptions(words: string[]): RangeOptions {
  const options: RangeOptions = { reversed: false, byScore: false, withScores: false, limit: undefined }
  for (let index = 0; index < words.length; index++) {
    const word = words[index]?.toUpperCase()
    if (word === 'WITHSCORES') options.withScores = true
    else if (word === 'REV') options.reversed = true
    else if (word === 'BYSCORE') options.byScore = true
    else if (word === 'LIMIT' && index + 2 < words.length) {
      const [offset, count] = [requireInteger(words[++index] ?? ''), requireInteger(words[++index] ?? '')]
      options.limit = { offset, count: count < 0 ? Number.POSITIVE_INFINITY : count }
    } else refuseSyntax()
  }
  if (options.limit && !options.byScore) {
    refuse('ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX')
  }
  return options
}

/** `(` before a bound excludes it. */
function parseScoreRange(least: string, most: string): (score: number) => boolean {
  const parseBound = (bound: string) => {
    const excluded = bound.startsWith('(')
    const number = (excluded ? bound.slice(1) : bound) || '0' // to C's strtod, nothing is zero
    return { excluded, score: requireDouble(number, 'ERR min or max is not a float') }
  }
  const [lower, upper] = [parseBound(least), parseBound(most)]
  return (score) =>
    (lower.excluded ? score > lower.score : score >= lower.score) &&
    (upper.excluded ? score < upper.score : score <= upper.score)
}

function sorted(set: Map<string, number> | undefined): ScoredMember[] {
  const members = [...(set ?? [])].map(([member, score]) => ({ member, score }))
  return members.sort((a, b) => a.score - b.score || (a.member < b.member ? -1 : 1))
}

function namesOf(members: ScoredMember[]): string[] {
  return members.map(({ member }) => member)
}
