/**
 * The kinds of password hash that we verify for other systems, what we are willing to compute for one, and which of them
 * take so long that they get a place of their own (hash-slots.ts). Nothing here reads text or computes a hash.
 */
import type { Phc } from './phc.ts'

export type ScryptCost = { readonly N: number; readonly r: number; readonly p: number }

export type Digest = 'SHA-1' | 'SHA-256' | 'SHA-512'

/** What bcrypt was given: the password itself, or a text made of all of it. */
export type BcryptInput =
  | 'password'
  | 'wordpress'
  | 'django-sha256'
  | 'passlib-sha256'
  | 'passlib-hmac-sha256'

export type ForeignHash =
  | { scheme: 'argon2'; phc: Phc }
  /** `hash` as bcrypt writes it: `$2b$12$…`. */
  | { scheme: 'bcrypt'; input: BcryptInput; cost: number; hash: string }
  | { scheme: 'scrypt'; cost: ScryptCost; salt: Uint8Array; tag: Uint8Array }
  | { scheme: 'pbkdf2'; digest: Digest; iterations: number; salt: Uint8Array; tag: Uint8Array }
  /** `salt` includes Firebase's separator; `keystream` is what the password's key encrypts zeros to. */
  | { scheme: 'firebase-scrypt'; cost: ScryptCost; salt: Uint8Array; keystream: Uint8Array }

/** The platform's own PBKDF2 is 18 times as fast as one in JavaScript, and refuses more iterations than this. */
export const NATIVE_ITERATIONS = 100_000

/**
 * What we are willing to compute. docs/moving-in.md has what each costs; the dearest takes a third of the CPU time that
 * wrangler.toml gives the request. scrypt with 64 MiB would take 240 ms, but V8 does not collect its buffers in time: 60 of
 * them held 3.9 GB, where those with 16 or 32 MiB level out at 115 MiB. Argon2 keeps what it needed at most for as long
 * as the isolate lives, and an isolate has 128 MB: 100 MiB (Django's) leaves 23 MB for the rest, 128 MiB nothing.
 */
const MOST = {
  bcryptCost: 14,
  /** 32 MiB, and a lane's input. */
  scryptMemoryBytes: 33 * 1024 * 1024,
  scryptBlocks: 5 * 2 ** 18,
  iterations: { 'SHA-1': 1_500_000, 'SHA-256': 1_500_000, 'SHA-512': 1_000_000 },
  argon2MemoryKiB: 100 * 1024,
  argon2MemoryTimesIterationsKiB: 512 * 1024,
}

/** Whether verifying it would exceed a request's CPU time or memory. */
export function isTooCostly(hash: ForeignHash): boolean {
  switch (hash.scheme) {
    case 'argon2': {
      const { memoryKiB, iterations } = hash.phc.cost
      return memoryKiB > MOST.argon2MemoryKiB || memoryKiB * iterations > MOST.argon2MemoryTimesIterationsKiB
    }
    case 'bcrypt':
      return hash.cost > MOST.bcryptCost
    case 'scrypt':
    case 'firebase-scrypt': {
      const { N, r, p } = hash.cost
      return 128 * r * (N + p) > MOST.scryptMemoryBytes || N * r * p > MOST.scryptBlocks
    }
    case 'pbkdf2':
      return hash.iterations > MOST.iterations[hash.digest]
  }
}

/** Whether it takes more than some 0.3 s, ten times as long as a hash of ours: then it is computed in a place of its own. */
export function isDear(hash: ForeignHash): boolean {
  switch (hash.scheme) {
    case 'argon2':
      return hash.phc.cost.memoryKiB * hash.phc.cost.iterations > 192 * 1024
    case 'bcrypt':
      return hash.cost > 12
    case 'scrypt':
    case 'firebase-scrypt':
      return hash.cost.N * hash.cost.r * hash.cost.p > 2 ** 19
    case 'pbkdf2':
      return hash.iterations > NATIVE_ITERATIONS
  }
}
