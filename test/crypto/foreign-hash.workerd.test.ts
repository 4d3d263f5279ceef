import { describe, expect, it } from 'vitest'
import { isCryptoFault } from '../../src/crypto/fault.ts'
import {
  type FirebaseHash,
  formatFirebaseHash,
  NO_PEPPER,
  readForeignHash,
} from '../../src/crypto/foreign-hash.ts'
import { verifyForeignHash } from '../../src/crypto/foreign-hash-verify.ts'
import { isKeyId } from '../../src/crypto/keyring.ts'
import { DEFAULT_COST, needsRehash } from '../../src/crypto/password-hash.ts'

/** The example of Firebase's own repository (github.com/firebase/scrypt). */
const FIREBASE: FirebaseHash = {
  hash: 'lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==',
  salt: '42xEC+ixf3L2lw==',
  base64_signer_key:
    'jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==',
  base64_salt_separator: 'Bw==',
  rounds: 8,
  mem_cost: 14,
}
const firebase = (change: Partial<FirebaseHash> = {}) => formatFirebaseHash({ ...FIREBASE, ...change })

const SALT = 'Y0ea1poJCyWCd+yPum+ZQQ'
const LATIN = 'correct horse'
const CYRILLIC = 'пароль один'
const argon2 = (type: string, parameters: string, tag: string) =>
  `$argon2${type}$v=19$${parameters}$${SALT}$${tag}`

/** Made by others: libxcrypt (bcrypt), Node's crypto (OpenSSL), John the Ripper's and Firebase's published vectors. */
const KNOWN: [form: string, password: string, hash: string][] = [
  ['bcrypt 2b', LATIN, '$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2'],
  ['bcrypt 2y, not ASCII', CYRILLIC, '$2y$05$abcdefghijklmnopqrstuuNX18SYud/EHyG.M0Tm8lrvFt6SqpxYm'],
  ['bcrypt 2a', 'abc123xyz', '$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW'],
  ['bcrypt 2a', 'U*U*U', '$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a'],
  ['scrypt', LATIN, `$scrypt$ln=10,r=8,p=2$${SALT}$kxOUERN1uDLZHhI/zDdmRFDR4iGVjJsFcBtJgAYDQhc`],
  [
    'scrypt with a tag of 64 bytes',
    CYRILLIC,
    `$scrypt$ln=14,r=8,p=1$${SALT}$B83ftaJj9El21eBN6Aojnn7+VG+NSr3WyLhFDMyGVKDdQuXSpNdorupkkReXAmX7R4WPN3SVrgEWJQNts6C+Uw`,
  ],
  ['PBKDF2', LATIN, `$pbkdf2-sha256$i=1000$${SALT}$87K4KD+Jor7QjLEJ2twg0unh2fBHP5GY+0QkCsBitSU`],
  [
    'PBKDF2 as passlib writes it',
    LATIN,
    `$pbkdf2-sha256$1000$${SALT.replaceAll('+', '.')}$87K4KD.Jor7QjLEJ2twg0unh2fBHP5GY.0QkCsBitSU`,
  ],
  [
    'PBKDF2 beyond the platform’s own',
    LATIN,
    `$pbkdf2-sha256$i=100001$${SALT}$1Xe/k+jHkWNWy4QmZ6P32PKILGS9qU+bmGlJThXRrsg`,
  ],
  [
    'PBKDF2 with SHA-512',
    CYRILLIC,
    `$pbkdf2-sha512$i=1000$${SALT}$8Rsf5Q2tM/yWugJIXr4p+ac8EYvrp5Q534t8vLHtIOgoWJNb5vYwVPwQvRRUmo1eHiHLSGwJeM+ld2MkjIGSIw`,
  ],
  [
    'PBKDF2 with SHA-512 beyond the platform’s own',
    CYRILLIC,
    `$pbkdf2-sha512$i=100001$${SALT}$Detfhb3SIk7cab+YxEzBLVABc/UXQmXultpItYq261s2L6eJ0sVW4O7FAkBKn99t/J95Y6GHnhqeNMB5onu+NQ`,
  ],
  ['Django’s PBKDF2', LATIN, 'pbkdf2_sha256$1000$lpBmZrBNB7xs$NJd2OQ+9XX3WdCXu54IiHhAryvWzVNzhwElCs4cXMTY='],
  ['Argon2id', LATIN, argon2('id', 'm=64,t=2,p=1', 'N4S8Soq7XvI6mYztDkknR5S008GoQAJZyMNmrOF5ePE')],
  ['Argon2i', LATIN, argon2('i', 'm=64,p=1,t=2', 'WNnxRnoIHpMW0ZCQIe18UHHKJ9UKq8gnLwdr31NtmrA')],
  ['Argon2d', LATIN, argon2('d', 't=2,p=1,m=64', '0+AQJD0VW7QIJmUbWIkai5ots/1XAneSEV+YNJYzWlY')],
  ['Firebase', 'user1password', firebase()],
]

describe('an imported hash', () => {
  it.each(KNOWN)(
    'of %s verifies its own password and no other',
    async (_, password, hash) => {
      expect(await verifyForeignHash(password, hash)).toBe(true)
      expect(await verifyForeignHash(`${password.slice(0, -1)}?`, hash)).toBe(false)
    },
    30_000,
  )

  it.each(KNOWN.filter(([, , hash]) => /ln=10|i=1000\$|\$05\$|t=2/.test(hash)))(
    'of %s verifies no password that is nearly its own',
    async (_, password, hash) => {
      for (const wrong of ['', `${password} `, ` ${password}`, password.slice(1), `${password}\u0301`])
        expect(await verifyForeignHash(wrong, hash), wrong).toBe(false)
    },
    30_000,
  )

  it('of bcrypt looks at the first 72 bytes alone, as it did where it was made', async () => {
    const hash = '$2b$04$abcdefghijklmnopqrstuuBzzIgyKkz7xMWYSzkIjUSnxEQFQ0WNe' // libxcrypt, of 72 a and a b
    expect(await verifyForeignHash(`${'a'.repeat(72)}c`, hash)).toBe(true)
    expect(await verifyForeignHash('a'.repeat(72), hash)).toBe(true)
    expect(await verifyForeignHash('a'.repeat(71), hash)).toBe(false)
  })

  it('asks to be hashed again, whatever it is', () => {
    for (const [, , phc] of KNOWN)
      expect(needsRehash({ phc, keyId: NO_PEPPER }, DEFAULT_COST, 'k1')).toBe(true)
  })

  it('stands without a pepper, under an id that no keyring can have', () => {
    expect(isKeyId(NO_PEPPER)).toBe(false)
  })
})

describe('a hash of Firebase', () => {
  it('is stored without the signer key of its project', () => {
    const key = Uint8Array.from(atob(FIREBASE.base64_signer_key), (character) => character.charCodeAt(0))
    const stored = firebase().split('$').slice(3)
    const bytes = stored.map((part) => Uint8Array.from(atob(part), (character) => character.charCodeAt(0)))
    for (const part of bytes) expect(String(part)).not.toContain(String(key.slice(0, 4)))
    expect(bytes.map(({ length }) => length)).toEqual([11, 64])
  })

  it('is read padded or not, in either alphabet', () => {
    const other = (text: string) => text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
    const { hash, salt, base64_signer_key } = FIREBASE
    const spelled = { hash: other(hash), salt: other(salt), base64_signer_key: other(base64_signer_key) }
    expect(firebase(spelled)).toBe(firebase())
  })

  it.each([
    ['a hash that is not as long as the signer key', { hash: FIREBASE.hash.slice(0, 40) }, 'malformed_hash'],
    ['a salt that is no base64', { salt: '!' }, 'malformed_hash'],
    ['a key that is no base64', { base64_signer_key: 'a' }, 'malformed_hash'],
    ['no rounds', { rounds: 0 }, 'malformed_hash'],
    ['memory beyond 32 MiB', { mem_cost: 16 }, 'hash_too_costly'],
    ['rounds beyond 32 MiB', { rounds: 64 }, 'hash_too_costly'],
  ])('is refused for %s', (_, change, problem) => {
    expect(firebase(change)).toBe(problem)
  })
})

const bcrypt = (cost: string) => `$2b$${cost}$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2`
const TAG = 'A'.repeat(43)
const scrypt = (parameters: string, salt = SALT, tag = TAG) => `$scrypt$${parameters}$${salt}$${tag}`
const pbkdf2 = (digest: string, iterations: number | string, tag = TAG) =>
  `$pbkdf2-${digest}$i=${iterations}$${SALT}$${tag}`
const TAG_64 = 'A'.repeat(86)

describe('what is refused', () => {
  it.each([
    ['bcrypt of 2^14', bcrypt('14')],
    ['bcrypt of 2^31', bcrypt('31')],
    ['scrypt in 64 MiB', scrypt('ln=16,r=8,p=1')],
    ['scrypt in 128 GiB', scrypt('ln=30,r=8,p=1')],
    ['scrypt in six lanes of 32 MiB', scrypt('ln=15,r=8,p=6')],
    ['scrypt whose lanes are its memory', scrypt('ln=1,r=700,p=900')],
    ['PBKDF2-SHA-256 of 300,001', pbkdf2('sha256', 300_001)],
    ['PBKDF2-SHA-512 of 210,001', pbkdf2('sha512', 210_001, TAG_64)],
    ['Django’s PBKDF2 of 600,000', `pbkdf2_sha256$600000$salt$${TAG}=`],
    ['Argon2 in 65 MiB', argon2('id', 'm=66560,t=1,p=1', TAG)],
    ['Argon2 of 17 passes', argon2('id', 'm=64,t=17,p=1', TAG)],
  ])('%s, as too costly', async (_, hash) => {
    expect(readForeignHash(hash)).toBe('hash_too_costly')
    // However it came into the table.
    await expect(verifyForeignHash(LATIN, hash)).rejects.toSatisfy((error) =>
      isCryptoFault(error, 'malformed_password_hash'),
    )
  })

  it.each([
    ['bcrypt 13', bcrypt('13')],
    ['scrypt in 32 MiB and five lanes', scrypt('ln=15,r=8,p=5')],
    ['PBKDF2-SHA-256 of 300,000', pbkdf2('sha256', 300_000)],
    ['PBKDF2-SHA-512 of 210,000', pbkdf2('sha512', 210_000, TAG_64)],
    ['Argon2 in 64 MiB', argon2('id', 'm=65536,t=3,p=4', TAG)],
  ])('but not %s', (_, hash) => {
    expect(readForeignHash(hash)).toBeTypeOf('object')
  })

  it.each([
    ['a bcrypt hash that ends early', bcrypt('10').slice(0, -1)],
    ['one with a line feed', `${bcrypt('10')}\n`],
    ['bcrypt 2x, which was made by a broken implementation', bcrypt('10').replace('2b', '2x')],
    ['bcrypt of 2^3', bcrypt('03')],
    ['bcrypt with bits beyond its salt', bcrypt('10').replace('uuH', 'uvH')],
    ['scrypt without its lanes', scrypt('ln=14,r=8')],
    ['scrypt of N=1', scrypt('ln=0,r=8,p=1')],
    ['scrypt with a salt in base64url', scrypt('ln=14,r=8,p=1', 'a_-a')],
    ['scrypt with a tag that can be guessed', scrypt('ln=14,r=8,p=1', SALT, 'AAAAAAAAAAA')],
    ['scrypt with a tag of 65 bytes', scrypt('ln=14,r=8,p=1', SALT, 'A'.repeat(87))],
    ['PBKDF2 with SHA-1', pbkdf2('sha1', 1000)],
    ['PBKDF2 of no iteration', pbkdf2('sha256', 0)],
    ['PBKDF2 with a tag longer than its digest', pbkdf2('sha256', 1000, TAG_64)],
    ['Argon2 with no room for its lanes', argon2('id', 'm=8,t=1,p=2', TAG)],
    ['Argon2 of another version', argon2('id', 'm=64,t=2,p=1', TAG).replace('v=19', 'v=16')],
    ['a keystream of nothing', `$firebase-scrypt$ln=14,r=8$${SALT}$`],
  ])('%s, as malformed', (_, hash) => {
    expect(readForeignHash(hash)).toBe('malformed_hash')
  })

  it.each([
    ['nothing', ''],
    ['a password', 'correct horse battery'],
    ['MD5', '5f4dcc3b5aa765d61d8327deb882cf99'],
    ['crypt with SHA-512', '$6$salt$hash'],
    ['Django’s bcrypt over SHA-256', 'bcrypt_sha256$$2b$12$abcdefghijklmnopqrstuu'],
  ])('%s, as unknown', (_, hash) => {
    expect(readForeignHash(hash)).toBe('unknown_hash')
  })
})
