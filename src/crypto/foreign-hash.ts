/**
 * Password hashes that other systems made: the forms that we take, each in the spellings that are in use. They are stored
 * as they came, without a pepper, until their owner signs in: a copy of the table is then enough to guess those passwords
 * against, as it was where they came from. It distrusts every string, and computes nothing (foreign-hash-verify.ts does).
 *
 * - Argon2 (id, i, d): `$argon2id$v=19$m=65536,t=3,p=4$salt$hash`; Django's `argon2$argon2id$…`
 * - bcrypt: `$2a$…`, `$2b$…`, `$2y$…`; Django's `bcrypt$$2b$…` and `bcrypt_sha256$$2b$…`, WordPress's `$wp$2y$…`,
 *   passlib's `$bcrypt-sha256$v=2,t=2b,r=12$…`
 * - scrypt: `$scrypt$ln=14,r=8,p=1$salt$hash`, also with N itself; Django's `scrypt$16384$salt$8$1$hash`, Werkzeug's
 *   `scrypt:32768:8:1$salt$hash`
 * - PBKDF2 (SHA-1, -256, -512): `$pbkdf2-sha256$i=600000,l=32$salt$hash`, passlib's without `i=`; Django's
 *   `pbkdf2_sha256$600000$salt$hash`, Werkzeug's `pbkdf2:sha256:600000$salt$hash`, ASP.NET Identity's base64 (v2, v3)
 * - Firebase's scrypt: `formatFirebaseHash`
 *
 * With a prefix of Spring (`{bcrypt}`) or Dovecot (`{BLF-CRYPT}`), too. Where a form says base64, any alphabet is read,
 * padded or not; parameters come in any order.
 */
import {
  readAspNet,
  readBcrypt,
  readDjangoPbkdf2,
  readDjangoScrypt,
  readFirebase,
  readPbkdf2,
  readPhcArgon2,
  readScrypt,
  readWerkzeugPbkdf2,
  readWerkzeugScrypt,
} from './foreign-hash-forms.ts'
import { type ForeignHash, isTooCostly } from './foreign-hash-kinds.ts'

/** In place of the id of the pepper key, for a hash without pepper. No id of a keyring has parentheses. */
export const NO_PEPPER = '(none)'

/**
 * `unknown_hash`: no form of any system that we know, so perhaps a password. `hash_not_supported`: a form that others
 * verify and we do not, e.g. phpass or a plain digest. `hash_too_costly`: verifying it would exceed a request's CPU time or
 * memory.
 */
export type HashProblem = 'unknown_hash' | 'malformed_hash' | 'hash_not_supported' | 'hash_too_costly'

type Reader = (parts: string[]) => ForeignHash | null

/** Which form a text is of, by its beginning; its reader gets what the groups caught. */
const FORMS: [RegExp, Reader][] = [
  [/^(?:argon2)?\$argon2(id|i|d)\$v=19\$([^$]*)\$([^$]*)\$([^$]*)$/, readPhcArgon2],
  [/^(bcrypt_sha256\$|bcrypt\$|\$wp)?(\$2[aby]\$.*)$/, readBcrypt],
  [/^(\$bcrypt-sha256)\$([^$]*)\$([^$]*\$[^$]*)$/, readBcrypt],
  [/^\$scrypt\$([^$]*)\$([^$]*)\$([^$]*)$/, readScrypt],
  [/^scrypt\$([^$]*)\$([^$]*)\$([^$]*)\$([^$]*)\$([^$]*)$/, readDjangoScrypt],
  [/^scrypt:(\d+):(\d+):(\d+)\$([^$]*)\$([^$]*)$/, readWerkzeugScrypt],
  [/^\$pbkdf2(?:-(sha1|sha256|sha512))?\$([^$]*)\$([^$]*)\$([^$]*)$/, readPbkdf2],
  [/^pbkdf2_(sha1|sha256|sha512)\$([^$]*)\$([^$]*)\$([^$]*)$/, readDjangoPbkdf2],
  [/^pbkdf2:(sha1|sha256|sha512):(\d+)\$([^$]*)\$([^$]*)$/, readWerkzeugPbkdf2],
  [/^\$firebase-scrypt\$([^$]*)\$([^$]*)\$([^$]*)$/, readFirebase],
  [/^(A[A-Za-z0-9+/]{50,400}={0,2})$/, readAspNet],
]

/** A text that begins so is of a form that we verify; if no pattern of its form fits, it was changed or cut off. */
const BEGINNINGS = [
  /^(argon2)?\$argon2(id|i|d)\$(v=19\$|$)/,
  /^(bcrypt(_sha256)?\$|\$wp)?\$2[aby]\$/,
  /^(bcrypt(_sha256)?|\$bcrypt-sha256|\$?scrypt|\$firebase-scrypt)\$/,
  /^scrypt:/,
  /^(\$pbkdf2(-sha1|-sha256|-sha512)?\$|pbkdf2[_:]sha(1|256|512)[$:])/,
]

/** What others verify: modular crypt, RFC 2307's schemes, digests in hexadecimal, Django's and Werkzeug's `md5$salt$…`. */
const NOT_SUPPORTED = [
  /^(U|argon2)?\$[A-Za-z0-9._-]{1,32}\$.{8,}$/,
  /^\{[A-Za-z0-9.@_-]{2,40}\}.{8,}$/,
  /^\*?([0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{48}|[0-9a-f]{56}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})(:.{1,64})?$/i,
  /^(s2:)?[0-9a-f]{16,64}:[0-9a-f]{32,256}$/i, // Lucia
  /^[0-9a-f]{128}\.[0-9a-f]{16,64}$/i, // Node's scrypt, as many write it
  /^((unsalted_)?(md5|sha1|sha224|sha256|sha384|sha512)|crypt|pbkdf2[_:]\w{1,16}(:\d{1,10})?)\$[^$]*\$.{8,}$/,
  /^c2NyeXB0[A-Za-z0-9+/]{100,}={0,2}$/, // tarsnap's scrypt, as Node's scrypt-kdf writes it
]

/** Spring and Dovecot say before the hash what it says itself. */
const PREFIX = /^\{(bcrypt|BLF-CRYPT|CRYPT|argon2(@\w{1,40})?|ARGON2(ID|I|D))\}(?=\$)/i

/** @returns what `text` says, or why it cannot be taken */
export function readForeignHash(text: string): ForeignHash | HashProblem {
  const bare = text.replace(PREFIX, '')
  for (const [pattern, read] of FORMS) {
    const match = pattern.exec(bare)
    const hash = match && read(match.slice(1).map((part = '') => part))
    if (hash) return isTooCostly(hash) ? 'hash_too_costly' : hash
  }
  if (BEGINNINGS.some((pattern) => pattern.test(bare))) return 'malformed_hash'
  return NOT_SUPPORTED.some((pattern) => pattern.test(bare)) ? 'hash_not_supported' : 'unknown_hash'
}
