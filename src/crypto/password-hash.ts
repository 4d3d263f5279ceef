/**
 * Password hashes: Argon2id with a pepper, written as PHC strings. It trusts its caller to have normalised the
 * password and found the pepper key; it distrusts the stored string, and refuses one that is malformed or too dear.
 */
import { argon2 } from './argon2.ts'
import { cryptoFault } from './fault.ts'
import { equalInConstantTime } from './hmac.ts'
import { type Argon2Cost, formatPhc, isAffordable, type PasswordHash, type Phc, readPhc } from './phc.ts'

export type { PasswordHash }

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
 * Whether `password` is the one behind `phc`. `pepperKey` is the key that the row names. Throws `malformed_password_hash` for a string that is no Argon2 PHC string, or whose
 * cost is out of range: our data is broken then, and "wrong password" would be a lie.
 */
export function verifyPassword(password: string, phc: string, pepperKey: Uint8Array): boolean {
  const { type, cost, salt, tag } = parsePhc(phc)
  const input = { password: encode(password), salt, secret: pepperKey, ...cost, tagLength: tag.length, type }
  return equalInConstantTime(argon2(input), tag)
}

/** Whether to hash one of ours again after a successful sign-in: some cost is too low, it is not Argon2id, or the pepper is old. */
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

function parsePhc(phc: string): Phc {
  const parsed = readPhc(phc)
  if (typeof parsed === 'string') throw malformedHash()
  return parsed
}

/** Says neither what is wrong nor the string itself, which would put a password hash into a log. */
function malformedHash() {
  return cryptoFault('malformed_password_hash', 'a stored password hash is not a PHC string that we accept')
}

function encode(password: string): Uint8Array {
  return new TextEncoder().encode(password)
}
