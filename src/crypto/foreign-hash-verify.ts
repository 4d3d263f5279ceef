/**
 * Verifies password hashes that other systems made, with the libraries that can: it refuses what foreign-hash.ts would
 * not have taken. Each call takes up to 0.7 s of the isolate's one thread, so it belongs into a hash slot.
 */

import { pbkdf2 } from '@noble/hashes/pbkdf2.js'
import { scrypt } from '@noble/hashes/scrypt.js'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import { compareSync } from 'bcryptjs'
import { cryptoFault } from './fault.ts'
import { type Digest, readForeignHash, type ScryptCost } from './foreign-hash.ts'
import { equalInConstantTime } from './hmac.ts'
import { verifyPassword } from './password-hash.ts'

const NO_KEY = new Uint8Array(0)

/**
 * Whether `password` is the one behind the imported hash. bcrypt looks at its first 72 bytes alone, as it did where the
 * hash was made. Throws `malformed_password_hash` for what `readForeignHash` refuses: our data is broken then.
 */
export async function verifyForeignHash(password: string, stored: string): Promise<boolean> {
  const hash = readForeignHash(stored)
  if (typeof hash === 'string')
    throw cryptoFault('malformed_password_hash', `an imported password hash cannot be verified: ${hash}`)
  const bytes = new TextEncoder().encode(password)
  switch (hash.scheme) {
    case 'argon2':
      return verifyPassword(password, stored, NO_KEY)
    case 'bcrypt':
      return compareSync(password, stored)
    case 'scrypt':
      return equalInConstantTime(deriveByScrypt(bytes, hash.salt, hash.cost, hash.tag.length), hash.tag)
    case 'pbkdf2':
      return equalInConstantTime(await deriveByPbkdf2(bytes, hash), hash.tag)
    case 'firebase-scrypt': {
      const key = deriveByScrypt(bytes, hash.salt, hash.cost, 32)
      return equalInConstantTime(await keystreamOf(key, hash.keystream.length), hash.keystream)
    }
  }
}

function deriveByScrypt(password: Uint8Array, salt: Uint8Array, { log2N, r, p }: ScryptCost, dkLen: number) {
  return scrypt(password, salt, { N: 2 ** log2N, r, p, dkLen })
}

/** The platform's own is 18 times faster, and refuses more iterations than this. */
const NATIVE_ITERATIONS = 100_000

type Pbkdf2 = { digest: Digest; iterations: number; salt: Uint8Array; tag: Uint8Array }

async function deriveByPbkdf2(
  password: Uint8Array,
  { digest, iterations, salt, tag }: Pbkdf2,
): Promise<Uint8Array> {
  if (iterations > NATIVE_ITERATIONS) {
    const options = { c: iterations, dkLen: tag.length }
    return pbkdf2(digest === 'SHA-256' ? sha256 : sha512, password, salt, options)
  }
  const key = await crypto.subtle.importKey('raw', password, 'PBKDF2', false, ['deriveBits'])
  const algorithm = { name: 'PBKDF2', hash: digest, salt, iterations }
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, tag.length * 8))
}

/** AES-256-CTR from a counter of zero. */
async function keystreamOf(key: Uint8Array, length: number): Promise<Uint8Array> {
  const aesKey = await crypto.subtle.importKey('raw', key, 'AES-CTR', false, ['encrypt'])
  const algorithm = { name: 'AES-CTR', counter: new Uint8Array(16), length: 128 }
  return new Uint8Array(await crypto.subtle.encrypt(algorithm, aesKey, new Uint8Array(length)))
}
