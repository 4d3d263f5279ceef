/**
 * Verifies password hashes that other systems made, with the libraries that can: it refuses what foreign-hash.ts would not
 * have taken. A password is compared as it was typed: those systems hashed the bytes that they were sent, not our form of
 * them. Each call takes up to some seconds of CPU time, so it belongs into a hash slot.
 */
import { hmac } from '@noble/hashes/hmac.js'
import { scrypt } from '@noble/hashes/scrypt.js'
import { sha256, sha384 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { compare } from 'bcryptjs'
import { argon2 } from './argon2.ts'
import { cryptoFault } from './fault.ts'
import { readForeignHash } from './foreign-hash.ts'
import {
  type BcryptInput,
  type ForeignHash,
  NATIVE_ITERATIONS,
  type ScryptCost,
} from './foreign-hash-kinds.ts'
import { equalInConstantTime } from './hmac.ts'
import { deriveFirstBlock } from './slow-pbkdf2.ts'

/** Throws `malformed_password_hash` for what `readForeignHash` refuses: our data is broken then. */
export function requireForeignHash(stored: string): ForeignHash {
  const hash = readForeignHash(stored)
  if (typeof hash === 'string')
    throw cryptoFault('malformed_password_hash', `an imported password hash cannot be verified: ${hash}`)
  return hash
}

/** Whether `password`, as it was typed, is one behind the imported hash. */
export async function verifyForeignHash(password: string, hash: ForeignHash): Promise<boolean> {
  const bytes = bytesOf(password)
  switch (hash.scheme) {
    case 'argon2': {
      const { type, cost, salt, tag } = hash.phc
      return equalInConstantTime(argon2({ password: bytes, salt, ...cost, tagLength: tag.length, type }), tag)
    }
    case 'bcrypt':
      return compare(bcryptInput(password, hash), hash.hash)
    case 'scrypt':
      return equalInConstantTime(deriveByScrypt(bytes, hash.salt, hash.cost, hash.tag.length), hash.tag)
    case 'pbkdf2':
      return verifyPbkdf2(bytes, hash)
    case 'firebase-scrypt': {
      const key = deriveByScrypt(bytes, hash.salt, hash.cost, 32)
      return equalInConstantTime(await keystreamOf(key, hash.keystream.length), hash.keystream)
    }
  }
}

/**
 * Whether `password`, which verified, is the only one that does, so that it may be hashed anew. What a scheme cut off or
 * folded was never verified: hashed anew, a slip of the owner's would replace their password, or a guess of its beginning.
 * bcrypt looks at 72 bytes, WordPress takes off the blanks around it, and where HMAC or C has the password, a NUL at its end
 * is as none.
 */
export function isVerifiedWhole(password: string, hash: ForeignHash): boolean {
  if (password.includes('\0')) return false
  if (hash.scheme !== 'bcrypt') return true
  switch (hash.input) {
    case 'password':
      return bytesOf(password).length < BCRYPT_BYTES // one that fills them may have been longer
    case 'wordpress':
      return false
    case 'django-sha256':
    case 'passlib-sha256':
    case 'passlib-hmac-sha256':
      return true
  }
}

const BCRYPT_BYTES = 72

/** PHP's `trim`. WordPress calls it on what is set and on what is typed. */
const trimPhp = (text: string) => text.replace(/^[ \t\n\r\v\0]+|[ \t\n\r\v\0]+$/g, '')

function bcryptInput(password: string, { input, hash }: { input: BcryptInput; hash: string }): string {
  switch (input) {
    case 'password':
      return password
    case 'wordpress': // wp_hash_password, since WordPress 6.8
      return base64(hmac(sha384, bytesOf('wp-sha384'), bytesOf(trimPhp(password))))
    case 'django-sha256': // BCryptSHA256PasswordHasher
      return bytesToHex(sha256(bytesOf(password)))
    case 'passlib-sha256': // passlib.hash.bcrypt_sha256, version 1
      return base64(sha256(bytesOf(password)))
    case 'passlib-hmac-sha256': // version 2: keyed with the salt's text
      return base64(hmac(sha256, bytesOf(hash.slice(7, 29)), bytesOf(password)))
  }
}

const bytesOf = (text: string) => new TextEncoder().encode(text)
const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes))

function deriveByScrypt(password: Uint8Array, salt: Uint8Array, { N, r, p }: ScryptCost, dkLen: number) {
  return scrypt(password, salt, { N, r, p, dkLen })
}

const DIGEST_BYTES = { 'SHA-1': 20, 'SHA-256': 32, 'SHA-512': 64 }

/**
 * By the first block alone: another would cost as much again, and an attacker would not compute it either
 * (Keycloak before 24 stored two).
 */
async function verifyPbkdf2(
  password: Uint8Array,
  { digest, iterations, salt, tag }: Extract<ForeignHash, { scheme: 'pbkdf2' }>,
): Promise<boolean> {
  const length = Math.min(tag.length, DIGEST_BYTES[digest])
  const wanted = tag.subarray(0, length)
  if (iterations > NATIVE_ITERATIONS) {
    const block = await deriveFirstBlock(digest, password, salt, iterations)
    return equalInConstantTime(block.subarray(0, length), wanted)
  }
  const key = await crypto.subtle.importKey('raw', password, 'PBKDF2', false, ['deriveBits'])
  const algorithm = { name: 'PBKDF2', hash: digest, salt, iterations }
  return equalInConstantTime(
    new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, length * 8)),
    wanted,
  )
}

/** AES-256-CTR from a counter of zero. */
async function keystreamOf(key: Uint8Array, length: number): Promise<Uint8Array> {
  const aesKey = await crypto.subtle.importKey('raw', key, 'AES-CTR', false, ['encrypt'])
  const algorithm = { name: 'AES-CTR', counter: new Uint8Array(16), length: 128 }
  return new Uint8Array(await crypto.subtle.encrypt(algorithm, aesKey, new Uint8Array(length)))
}
