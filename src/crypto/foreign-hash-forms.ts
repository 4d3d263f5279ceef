/**
 * The forms of other systems' password hashes, one function each: what the parts of a text that has the form say, or null
 * where they do not fit together. Limits here are those of the schemes and against absurd input, never what our own hashes
 * look like.
 */
import { fromBase64 } from './base64.ts'
import type { BcryptInput, Digest, ForeignHash, ScryptCost } from './foreign-hash-kinds.ts'

type Read = ForeignHash | null

/** `v`, `m`, `t`, `p`; RFC 9106 §3.1 wants a salt of 8 bytes. */
export function readPhcArgon2([type, parameters = '', saltText = '', tagText = '']: string[]): Read {
  const values = readParameters(parameters, ['m', 't', 'p'])
  const [salt, tag] = [fromAnyBase64(saltText), fromAnyBase64(tagText)]
  const { m: memoryKiB, t: iterations, p: parallelism } = values ?? {}
  if (!memoryKiB || !iterations || !parallelism || parallelism > 255 || memoryKiB < 8 * parallelism)
    return null
  if ((type !== 'id' && type !== 'i' && type !== 'd') || !isSalt(salt) || salt.length < 8 || !isTag(tag))
    return null
  return { scheme: 'argon2', phc: { type, cost: { memoryKiB, iterations, parallelism }, salt, tag } }
}

/** Salt and hash: 16 and 23 bytes in bcrypt's own base64. `$2$` and `$2x$` were made by broken implementations. */
const BCRYPT =
  /^\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]$/

const BCRYPT_INPUTS: Record<string, BcryptInput> = {
  '': 'password',
  bcrypt$: 'password',
  bcrypt_sha256$: 'django-sha256',
  $wp: 'wordpress',
}

/** passlib writes the parts apart: `$bcrypt-sha256$v=2,t=2b,r=12$salt$hash`, and before its version 1.7.3 `$2b,12$`. */
const PASSLIB = /^(v=2,t=)?(2[ab]),(?:r=)?([1-9][0-9]?)$/

export function readBcrypt([prefix = '', rest = '', saltAndHash]: string[]): Read {
  if (saltAndHash === undefined) return bcryptOf(rest, BCRYPT_INPUTS[prefix])
  const [, version, variant, cost = ''] = PASSLIB.exec(rest) ?? []
  const hash = `$${variant}$${cost.padStart(2, '0')}$${saltAndHash.replace('$', '')}`
  return bcryptOf(hash, version ? 'passlib-hmac-sha256' : 'passlib-sha256')
}

function bcryptOf(hash: string, input: BcryptInput | undefined): Read {
  const [, cost] = BCRYPT.exec(hash) ?? []
  return cost && input ? { scheme: 'bcrypt', input, cost: Number(cost), hash } : null
}

/** `ln` is the exponent of N, as passlib has it; Ory writes N itself under that name, AdonisJS as `n`, others as `N`. */
export function readScrypt([parameters = '', saltText = '', tagText = '']: string[]): Read {
  const { ln, n, N, r, p } = readParameters(parameters, ['ln', 'n', 'N', 'r', 'p']) ?? {}
  const given = [ln, n, N].filter((value) => value !== undefined)
  if (given.length !== 1) return null
  return scryptOf(costOf(given[0], r, p), fromAnyBase64(saltText), fromAnyBase64(tagText))
}

const costOf = (ln = 0, r = 0, p = 0): ScryptCost => ({ N: ln < 64 ? 2 ** ln : ln, r, p })

/** The salt is a text. */
export function readDjangoScrypt([N, salt = '', r, p, tagText = '']: string[]): Read {
  return scryptOf({ N: Number(N), r: Number(r), p: Number(p) }, bytesOf(salt), fromAnyBase64(tagText))
}

/** The salt is a text, the hash hexadecimal. */
export function readWerkzeugScrypt([N, r, p, salt = '', tagText = '']: string[]): Read {
  return scryptOf({ N: Number(N), r: Number(r), p: Number(p) }, bytesOf(salt), fromHex(tagText))
}

function scryptOf(cost: ScryptCost, salt: Uint8Array | null, tag: Uint8Array | null): Read {
  return isCost(cost) && isSalt(salt) && isTag(tag) ? { scheme: 'scrypt', cost, salt, tag } : null
}

/** RFC 7914 §2: N is a power of two, and not 1. */
const isCost = ({ N, r, p }: ScryptCost): boolean =>
  Number.isSafeInteger(N) && N > 1 && Number.isInteger(Math.log2(N)) && isCount(r) && isCount(p)

/** passlib calls the one with SHA-1 `pbkdf2`, and writes no `i=`. */
export function readPbkdf2([name = '', parameters = '', saltText = '', tagText = '']: string[]): Read {
  const named = /^\d+$/.test(parameters) ? `i=${parameters}` : parameters
  const { i: iterations, l: length } = readParameters(named, ['i', 'l']) ?? {}
  const tag = fromAnyBase64(tagText)
  if (length !== undefined && length !== tag?.length) return null
  return pbkdf2Of(name || 'sha1', iterations, fromAnyBase64(saltText), tag)
}

export function readDjangoPbkdf2([name = '', count, salt = '', tagText = '']: string[]): Read {
  return pbkdf2Of(name, Number(count), bytesOf(salt), fromAnyBase64(tagText))
}

export function readWerkzeugPbkdf2([name = '', count, salt = '', tagText = '']: string[]): Read {
  return pbkdf2Of(name, Number(count), bytesOf(salt), fromHex(tagText))
}

const DIGESTS: Record<string, Digest> = { sha1: 'SHA-1', sha256: 'SHA-256', sha512: 'SHA-512' }

function pbkdf2Of(name: string, iterations = 0, salt: Uint8Array | null, tag: Uint8Array | null): Read {
  const digest = DIGESTS[name]
  if (!digest || !isCount(iterations) || !isSalt(salt) || !isTag(tag)) return null
  return { scheme: 'pbkdf2', digest, iterations, salt, tag }
}

const ASP_NET_DIGESTS = ['sha1', 'sha256', 'sha512']

/**
 * ASP.NET Identity's PasswordHasher. Version 3: 1, then digest, iterations and the salt's length, 4 bytes each, big-endian;
 * salt; hash. Version 2: 0, a salt of 16 bytes and a hash of 32, SHA-1 iterated 1,000 times.
 */
export function readAspNet([text = '']: string[]): Read {
  const bytes = fromAnyBase64(text)
  if (!bytes) return null
  if (bytes[0] === 0)
    return bytes.length === 49 ? pbkdf2Of('sha1', 1000, bytes.slice(1, 17), bytes.slice(17)) : null
  if (bytes[0] !== 1 || bytes.length < 13 + 16 + 16) return null
  const header = new DataView(bytes.buffer, bytes.byteOffset)
  const [name = '', iterations, saltEnd] = [
    ASP_NET_DIGESTS[header.getUint32(1)],
    header.getUint32(5),
    13 + header.getUint32(9),
  ]
  return pbkdf2Of(name, iterations, bytes.slice(13, saltEnd), bytes.slice(saltEnd))
}

export function readFirebase([parameters = '', saltText = '', keystreamText = '']: string[]): Read {
  const { ln, r } = readParameters(parameters, ['ln', 'r']) ?? {}
  const cost = costOf(ln, r, 1)
  const [salt, keystream] = [fromAnyBase64(saltText), fromAnyBase64(keystreamText)]
  if (!isCost(cost) || !isSalt(salt) || !isTag(keystream)) return null
  return { scheme: 'firebase-scrypt', cost, salt, keystream }
}

/** `i=1000,l=32`, in any order; each name at most once. @returns null for anything else */
function readParameters<Name extends string>(
  text: string,
  names: readonly Name[],
): Partial<Record<Name, number>> | null {
  const values: Partial<Record<Name, number>> = {}
  for (const parameter of text.split(',')) {
    const [, word, digits] = /^([a-zN]+)=([1-9][0-9]{0,9})$/.exec(parameter) ?? []
    const name = names.find((known) => known === word)
    if (!name || values[name] !== undefined) return null
    values[name] = Number(digits)
  }
  return values
}

const isCount = (value: number): boolean => Number.isInteger(value) && value >= 1 && value < 2 ** 32

const isSalt = (bytes: Uint8Array | null): bytes is Uint8Array =>
  bytes !== null && bytes.length >= 1 && bytes.length <= 1024

/** A shorter one could be guessed. What is longer than we ever compare costs nothing. */
const isTag = (bytes: Uint8Array | null): bytes is Uint8Array =>
  bytes !== null && bytes.length >= 8 && bytes.length <= 1024

const bytesOf = (text: string) => new TextEncoder().encode(text)

function fromHex(text: string): Uint8Array | null {
  if (!/^([0-9a-f]{2})+$/i.test(text)) return null
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

/** Padded or not, standard, url-safe, or with passlib's `.` for `+`. */
export function fromAnyBase64(text: string): Uint8Array | null {
  return fromBase64(
    text
      .replace(/={0,2}$/, '')
      .replaceAll(/[-.]/g, '+')
      .replaceAll('_', '/'),
  )
}
