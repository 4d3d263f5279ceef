/**
 * Password hashes that other systems made: which forms we take, and what they would cost. They are stored as they came,
 * without a pepper, until their owner signs in: a copy of the table is then enough to guess those passwords against, as
 * it was where they came from. It distrusts every string, and computes nothing (foreign-hash-verify.ts does).
 *
 * Forms: `$argon2id$…` (also i, d), `$2a$…`, `$2b$…`, `$2y$…`, `$scrypt$ln=14,r=8,p=1$salt$hash`,
 * `$pbkdf2-sha256$i=100000$salt$hash` (also sha512; passlib writes no `i=`), `pbkdf2_sha256$100000$salt$hash` (Django),
 * and our own `$firebase-scrypt$ln=14,r=8$salt$keystream`. Salt and hash are base64 of the bytes. Whoever has another
 * spelling, e.g. hexadecimal `salt:hash`, writes it in one of these; Django's scrypt salt is the text, so its base64.
 */
import { fromBase64, toBase64 } from './base64.ts'
import { readPhc } from './phc.ts'

/** Stands where the id of the pepper key does, for a hash without one. No id of a keyring has parentheses. */
export const NO_PEPPER = '(none)'

export type ScryptCost = { readonly log2N: number; readonly r: number; readonly p: number }

export type ForeignHash =
  | { scheme: 'argon2' | 'bcrypt' }
  | { scheme: 'scrypt'; cost: ScryptCost; salt: Uint8Array; tag: Uint8Array }
  | { scheme: 'pbkdf2'; digest: Digest; iterations: number; salt: Uint8Array; tag: Uint8Array }
  /** `salt` includes Firebase's separator; `keystream` is what the password's key encrypts zeros to. */
  | { scheme: 'firebase-scrypt'; cost: ScryptCost; salt: Uint8Array; keystream: Uint8Array }

export type Digest = 'SHA-256' | 'SHA-512'

/** `unknown_hash`: none of the forms. `hash_too_costly`: verifying it would exceed a request's CPU time or memory. */
export type HashProblem = 'unknown_hash' | 'malformed_hash' | 'hash_too_costly'

/**
 * What we are willing to compute: some 0.7 s in workerd, of the 1 s that wrangler.toml gives a request, which also
 * hashes anew. Measured (ms): bcrypt 10, 12, 13: 75, 270, 560; scrypt with 16, 32 MiB: 60, 120, and p times that;
 * PBKDF2 per 100,000: SHA-256 240, SHA-512 340. scrypt with 64 MiB takes 240, but V8 does not collect its buffers in
 * time: 60 of them held 3.9 GB, where those with 16 or 32 MiB level out at 115 MiB.
 */
const MOST = {
  bcryptCost: 13,
  // 32 MiB, and a lane's input.
  scryptMemoryBytes: 33 * 1024 * 1024,
  scryptBlocks: 5 * 2 ** 18,
  iterations: { 'SHA-256': 300_000, 'SHA-512': 210_000 },
}

/** @returns what `text` says, or why it cannot be taken */
export function readForeignHash(text: string): ForeignHash | HashProblem {
  if (text.startsWith('$argon2')) return readArgon2(text)
  if (/^\$2[abxy]?\$/.test(text)) return readBcrypt(text)
  if (text.startsWith('$scrypt$')) return readScrypt(text)
  if (/^\$?pbkdf2[-_]/.test(text)) return readPbkdf2(text)
  return text.startsWith('$firebase-scrypt$') ? readFirebase(text) : 'unknown_hash'
}

function readArgon2(text: string): ForeignHash | HashProblem {
  const phc = readPhc(text)
  if (typeof phc === 'object') return { scheme: 'argon2' }
  return phc === 'too_costly' ? 'hash_too_costly' : 'malformed_hash'
}

/** Salt and hash: 16 and 23 bytes in bcrypt's own base64. `$2$` and `$2x$` were made by broken implementations. */
const BCRYPT =
  /^\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]$/

function readBcrypt(text: string): ForeignHash | HashProblem {
  const [, cost] = BCRYPT.exec(text) ?? []
  if (!cost) return 'malformed_hash'
  return Number(cost) > MOST.bcryptCost ? 'hash_too_costly' : { scheme: 'bcrypt' }
}

const SCRYPT =
  /^\$scrypt\$ln=([1-9][0-9]?),r=([1-9][0-9]{0,2}),p=([1-9][0-9]{0,2})\$([^$]{1,128})\$([^$]{1,128})$/

function readScrypt(text: string): ForeignHash | HashProblem {
  const [, log2N, r, p, saltText = '', tagText = ''] = SCRYPT.exec(text) ?? []
  const [salt, tag] = [fromBase64(saltText), fromBase64(tagText)]
  if (!log2N || !isSalt(salt) || !isTag(tag)) return 'malformed_hash'
  const cost = { log2N: Number(log2N), r: Number(r), p: Number(p) }
  return isAffordable(cost) ? { scheme: 'scrypt', cost, salt, tag } : 'hash_too_costly'
}

const FIREBASE = /^\$firebase-scrypt\$ln=([1-9][0-9]?),r=([1-9][0-9]{0,2})\$([^$]{1,128})\$([^$]{1,128})$/

function readFirebase(text: string): ForeignHash | HashProblem {
  const [, log2N, r, saltText = '', keystreamText = ''] = FIREBASE.exec(text) ?? []
  const [salt, keystream] = [fromBase64(saltText), fromBase64(keystreamText)]
  if (!log2N || !isSalt(salt) || !isTag(keystream)) return 'malformed_hash'
  const cost = { log2N: Number(log2N), r: Number(r), p: 1 }
  return isAffordable(cost) ? { scheme: 'firebase-scrypt', cost, salt, keystream } : 'hash_too_costly'
}

function isAffordable({ log2N, r, p }: ScryptCost): boolean {
  const N = 2 ** log2N
  return 128 * r * (N + p) <= MOST.scryptMemoryBytes && N * r * p <= MOST.scryptBlocks
}

/** passlib writes `.` for `+`. */
const PBKDF2 = /^\$pbkdf2-(sha256|sha512)\$(?:i=)?([1-9][0-9]{0,8})\$([^$]{1,128})\$([^$]{1,128})$/
const DJANGO = /^pbkdf2_(sha256)\$([1-9][0-9]{0,8})\$([!-#%-~]{1,64})\$([^$]{1,128})$/

function readPbkdf2(text: string): ForeignHash | HashProblem {
  const phc = PBKDF2.exec(text)
  const [, name, count, saltText = '', tagText = ''] = phc ?? DJANGO.exec(text) ?? []
  const salt = phc ? fromBase64(saltText.replaceAll('.', '+')) : new TextEncoder().encode(saltText)
  const tag = fromAnyBase64(tagText.replaceAll('.', '+'))
  const digest = name === 'sha256' ? 'SHA-256' : 'SHA-512'
  // A longer tag than the digest would cost as many times more, and protect nobody better.
  if (!name || !isSalt(salt) || !isTag(tag) || tag.length > (name === 'sha256' ? 32 : 64))
    return 'malformed_hash'
  const iterations = Number(count)
  return iterations > MOST.iterations[digest]
    ? 'hash_too_costly'
    : { scheme: 'pbkdf2', digest, iterations, salt, tag }
}

const isSalt = (bytes: Uint8Array | null): bytes is Uint8Array =>
  bytes !== null && bytes.length >= 1 && bytes.length <= 64

/** A short tag could be guessed. */
const isTag = (bytes: Uint8Array | null): bytes is Uint8Array =>
  bytes !== null && bytes.length >= 16 && bytes.length <= 64

/** A user's hash as Firebase exports it, with the parameters of the project (`hash_config` in its console). */
export type FirebaseHash = {
  hash: string
  salt: string
  base64_signer_key: string
  base64_salt_separator: string
  rounds: number
  mem_cost: number
}

/**
 * Firebase encrypts the project's signer key with the password's key and calls that the hash. What is stored is the
 * keystream between the two: it verifies as well, and the signer key, which opens every other export of that project,
 * stays behind. @returns the form that `readForeignHash` takes
 */
export function formatFirebaseHash(user: FirebaseHash): string | HashProblem {
  const [hash, signerKey] = [fromAnyBase64(user.hash), fromAnyBase64(user.base64_signer_key)]
  const [salt, separator] = [fromAnyBase64(user.salt), fromAnyBase64(user.base64_salt_separator)]
  if (!hash || !signerKey || !salt || !separator || hash.length !== signerKey.length) return 'malformed_hash'
  const keystream = hash.map((byte, index) => byte ^ (signerKey[index] ?? 0)) // of equal length, as checked
  const salted = toBase64(new Uint8Array([...salt, ...separator]))
  const text = `$firebase-scrypt$ln=${user.mem_cost},r=${user.rounds}$${salted}$${toBase64(keystream)}`
  const read = readForeignHash(text)
  return typeof read === 'string' ? read : text
}

/** Padded or not, standard or url-safe: exports have all four. */
function fromAnyBase64(text: string): Uint8Array | null {
  const standard = text.replaceAll('-', '+').replaceAll('_', '/')
  return fromBase64(standard.replace(/={0,2}$/, ''))
}
