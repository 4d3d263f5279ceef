/**
 * Asks the range API of Have I Been Pwned whether a chosen password is known from a breach. It learns
 * five characters of the SHA-1 (k-anonymity), and never whose password it is. Whatever it does instead of answering
 * refuses no password: then only the bundled list of policy.ts decides.
 */
import type { Context } from '../context.ts'
import type { PasswordHash } from '../crypto/password-hash.ts'
import { readAtMost } from '../http/read-at-most.ts'
import type { Refusal } from '../problem.ts'
import { createDeadline } from '../storage/trips.ts'
import { hash } from './hashing.ts'
import { type NormalPassword, refuseCompromised } from './policy.ts'

/** A padded range has one to two thousand lines of at most 47 bytes. */
const MAX_ANSWER_BYTES = 256 * 1024

const PREFIX_CHARACTERS = 5

/** What is left of a SHA-1 in hex, and how many breaches know it: 0 where the line is padding. */
const LINE = /^([0-9A-F]{35}):([0-9]{1,15})$/i

type LookupContext = Pick<Context, 'settings' | 'log'>

/**
 * Hashes a password that is being chosen, unless it is known from a breach. The answer is awaited beside the hash, so
 * that it seldom takes any time of its own; a hit costs a hash that is not used, which the operation's limits bound.
 * Call it before anything is looked at that tells accounts, or tokens, apart, and after the limits.
 * @param field its JSON Pointer in the body, e.g. `/password`
 * @returns refusal `password_compromised`
 * @throws Fault `overloaded`
 */
export async function hashUnbreached(
  ctx: LookupContext & Parameters<typeof hash>[0],
  password: NormalPassword,
  field: string,
): Promise<PasswordHash | Refusal> {
  // In this order: the question is on its way when the hash takes the isolate.
  const [isBreached, passwordHash] = await Promise.all([findInBreaches(ctx, password), hash(ctx, password)])
  if (!isBreached) return passwordHash
  return refuseCompromised(field)
}

/** @returns whether the password is known to be; false also when the check is off or failed */
export async function findInBreaches(
  { settings, log }: LookupContext,
  password: NormalPassword,
): Promise<boolean> {
  const { url, timeoutMs } = settings.breachedPasswords
  if (url === null) return false
  const digest = await sha1(password)
  const { signal, clear } = createDeadline(timeoutMs, Date.now() + settings.requestTimeoutMs)
  const enough = new AbortController()
  const range = await readRange(
    `${url}${digest.slice(0, PREFIX_CHARACTERS)}`,
    AbortSignal.any([signal, enough.signal]),
  )
  clear()
  enough.abort() // what is not read is not sent either
  if (range.is === 'read') return range.suffixes.includes(digest.slice(PREFIX_CHARACTERS))
  log('warn', 'breach check skipped', { cause: range.cause })
  return false
}

async function sha1(password: NormalPassword): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-1', new TextEncoder().encode(password))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase()
}

type Range = { is: 'read'; suffixes: string[] } | { is: 'unread'; cause: string }

async function readRange(url: string, signal: AbortSignal): Promise<Range> {
  try {
    const response = await fetch(url, {
      // Without padding the length of the answer reveals the prefix to an observer; without a name it is 403.
      headers: { 'add-padding': 'true', 'user-agent': 'Latchkey' },
      redirect: 'manual',
      signal,
    })
    if (response.status !== 200) return { is: 'unread', cause: `http_${response.status}` }
    return parseRange(await readAtMost(response, MAX_ANSWER_BYTES))
  } catch {
    return { is: 'unread', cause: signal.aborted ? 'timeout' : 'unreachable' } // its own text would name the prefix
  }
}

/** Every range has lines, and each has this form: anything else is not an answer of the API, or is incomplete. */
function parseRange(text: string): Range {
  const suffixes: string[] = []
  for (const line of text.trimEnd().split(/\r?\n/)) {
    const [, suffix, count] = LINE.exec(line) ?? []
    if (suffix === undefined || text.length >= MAX_ANSWER_BYTES) return { is: 'unread', cause: 'malformed' }
    if (Number(count) > 0) suffixes.push(suffix.toUpperCase())
  }
  return { is: 'read', suffixes }
}
