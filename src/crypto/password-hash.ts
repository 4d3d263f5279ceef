/**
 * Password hashes: Argon2id with a pepper, written as PHC strings. It trusts its caller to have normalised the
 * password and found the pepper key; it distrusts the stored string, and refuses one that is malformed or too dear.
 */
import { type Argon2Type, argon2, maxMemoryKiB } from './argon2.ts'
import { fromBase64, toBase64 } from './base64.ts'
import { cryptoFault } from './fault.ts'
import { equalInConstantTime } from './hmac.ts'

/** A stored hash. `keyId` names the pepper key; it stands beside the PHC string, which has no place for it. */
export type PasswordHash = { readonly phc: string; readonly keyId: string }

/** What one hash costs: memory in KiB, passes over it, lanes. */
export type Argon2Cost = {
  readonly memoryKiB: number
  readonly iterations: number
  readonly parallelism: number
}

/** A key of the purpose `password-pepper`. */
export type Pepper = { readonly keyId: string; readonly key: Uint8Array }

export type HashPasswordOptions = {
  readonly cost: Argon2Cost
  readonly pepper: Pepper
  readonly random: (length: number) => Uint8Array
}

/** OWASP Password Storage Cheat Sheet, Argon2id: 19 MiB, 2 passes, 1 lane. */
export const DEFAULT_COST: Argon2Cost = { memoryKiB: 19456, iterations: 2, parallelism: 1 }

const saltBytes = 16
const tagBytes = 32
const pepperBytes = 32

/** What we are willing to compute. The last stops 64 MiB × 16 passes: 8 take some 0.6 s, a CPU limit is near. */
const limits = {
  memoryKiB: maxMemoryKiB,
  iterations: 16,
  parallelism: 16,
  memoryTimesIterationsKiB: 8 * maxMemoryKiB,
}

/**
 * Hashes a password (already normalised; the whole of it counts) with a random salt of 16 bytes to a tag of 32.
 * Throws a RangeError for a cost that `verifyPassword` would refuse, and for text with lone surrogates: these all
 * encode alike, so two passwords would be one.
 */
export function hashPassword(password: string, options: HashPasswordOptions): PasswordHash {
  const { cost, pepper, random } = options
  if (!password.isWellFormed()) throw new RangeError('the password is not well-formed Unicode')
  if (pepper.key.length !== pepperBytes) throw new RangeError(`a pepper is ${pepperBytes} bytes`)
  if (!isAffordable(cost)) throw new RangeError('the Argon2 cost is out of range')
  const salt = random(saltBytes)
  if (salt.length !== saltBytes) throw new RangeError(`a salt is ${saltBytes} bytes`)
  const secret = pepper.key
  const tag = argon2({ password: encode(password), salt, secret, ...cost, tagLength: tagBytes })
  return { phc: formatPhc({ type: 'id', cost, salt, tag }), keyId: pepper.keyId }
}

/**
 * Whether `password` is the one behind `phc`. `pepperKey` is the key that the row names; empty for an imported hash
 * that was made without one. Throws `malformed_password_hash` for a string that is no Argon2 PHC string, or whose
 * cost is out of range: our data is broken then, and "wrong password" would be a lie.
 */
export function verifyPassword(password: string, phc: string, pepperKey: Uint8Array): boolean {
  const { type, cost, salt, tag } = parsePhc(phc)
  const input = { password: encode(password), salt, secret: pepperKey, ...cost, tagLength: tag.length, type }
  return equalInConstantTime(argon2(input), tag)
}

/** Whether to hash again after a successful sign-in: some cost is too low, it is not Argon2id, or the pepper is old. */
export function needsRehash(stored: PasswordHash, cost: Argon2Cost, newestKeyId: string): boolean {
  const { type, cost: storedCost } = parsePhc(stored.phc)
  return (
    type !== 'id' ||
    stored.keyId !== newestKeyId ||
    storedCost.memoryKiB < cost.memoryKiB ||
    storedCost.iterations < cost.iterations ||
    storedCost.parallelism < cost.parallelism
  )
}

/**
 * A PHC string for an account that does not exist: verifying against it takes as long as against a real one of this
 * cost, and answers false. Its tag was not computed from anything; to hit it is as likely as to guess a key.
 */
export function decoyHash(cost: Argon2Cost): string {
  return formatPhc({ type: 'id', cost, salt: new Uint8Array(saltBytes), tag: new Uint8Array(tagBytes) })
}

type ParsedHash = { type: Argon2Type; cost: Argon2Cost; salt: Uint8Array; tag: Uint8Array }

const phcPattern =
  /^\$argon2(id|i|d)\$v=19\$([a-z0-9=,]{1,64})\$([A-Za-z0-9+/]{1,128})\$([A-Za-z0-9+/]{1,128})$/
const parameterPattern = /^([mtp])=([1-9][0-9]{0,9})$/

/** `$argon2id$v=19$m=…,t=…,p=…$salt$tag`, base64 unpadded; npm argon2 writes `m,p,t`, so any order is read. */
function parsePhc(phc: string): ParsedHash {
  const [, type, parameters, saltText, tagText] = phcPattern.exec(phc) ?? []
  if (!isArgon2Type(type) || !parameters || !saltText || !tagText) throw malformedHash()
  const cost = parseCost(parameters)
  const salt = fromBase64(saltText)
  const tag = fromBase64(tagText)
  if (!cost || !salt || !tag || !isAffordable(cost)) throw malformedHash()
  // A short tag could be guessed; RFC 9106 §3.1 allows 4 bytes, no password hasher writes fewer than 16.
  if (salt.length < 8 || salt.length > 64 || tag.length < 16 || tag.length > 64) throw malformedHash()
  return { type, cost, salt, tag }
}

/** Says neither what is wrong nor the string itself, which would put a password hash into a log. */
function malformedHash() {
  return cryptoFault('malformed_password_hash', 'a stored password hash is not a PHC string that we accept')
}

function parseCost(parameters: string): Argon2Cost | null {
  const values = new Map<string, number>()
  for (const parameter of parameters.split(',')) {
    const [, name, digits] = parameterPattern.exec(parameter) ?? []
    if (!name || values.has(name)) return null
    values.set(name, Number(digits))
  }
  const memoryKiB = values.get('m')
  const iterations = values.get('t')
  const parallelism = values.get('p')
  return memoryKiB && iterations && parallelism ? { memoryKiB, iterations, parallelism } : null
}

function formatPhc({ type, cost, salt, tag }: ParsedHash): string {
  const parameters = `m=${cost.memoryKiB},t=${cost.iterations},p=${cost.parallelism}`
  return `$argon2${type}$v=19$${parameters}$${toBase64(salt)}$${toBase64(tag)}`
}

function isAffordable({ memoryKiB, iterations, parallelism }: Argon2Cost): boolean {
  return (
    memoryKiB >= 8 * parallelism &&
    memoryKiB <= limits.memoryKiB &&
    iterations <= limits.iterations &&
    parallelism <= limits.parallelism &&
    memoryKiB * iterations <= limits.memoryTimesIterationsKiB
  )
}

function isArgon2Type(text: string | undefined): text is Argon2Type {
  return text === 'id' || text === 'i' || text === 'd'
}

function encode(password: string): Uint8Array {
  return new TextEncoder().encode(password)
}
