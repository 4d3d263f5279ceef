import { describe, expect, test } from 'vitest'
import { isCryptoFault } from '../../src/crypto/fault.ts'
import { type FirebaseHash, formatFirebaseHash } from '../../src/crypto/firebase-hash.ts'
import { NO_PEPPER, readForeignHash } from '../../src/crypto/foreign-hash.ts'
import {
  isVerifiedWhole,
  requireForeignHash,
  verifyForeignHash,
} from '../../src/crypto/foreign-hash-verify.ts'
import { isKeyId } from '../../src/crypto/keyring.ts'
import { NFC_HASH, NFD_HASH, PUBLISHED, VECTORS } from '../support/foreign-hash-vectors.ts'

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

const find = (name: string) => PUBLISHED.find(([form]) => form.includes(name))?.[2] ?? ''
const WORDPRESS = find('WordPress')
const PASSLIB_LONG = find('75 bytes')

const verify = (password: string, hash: string) => verifyForeignHash(password, requireForeignHash(hash))
const isWhole = (password: string, hash: string) => isVerifiedWhole(password, requireForeignHash(hash))

const EVERY = [...KNOWN, ...PUBLISHED, ...VECTORS]
const CHEAP = /ln=10|i=1000\$|\$1000\$|\$0[45]\$|r=5\$|2b,5\$|m=(8|64)\b|AAAAyAAAAE|^AN/

describe('files 8: an imported hash', () => {
  test.each(EVERY)(
    'of %s verifies its own password',
    async (_, password, hash) => {
      expect(await verify(password, hash)).toBe(true)
    },
    60_000,
  )

  test.each(EVERY.filter(([, , hash]) => CHEAP.test(hash)))(
    'of %s verifies no password that is nearly its own',
    async (_, password, hash) => {
      for (const wrong of [
        `${password.slice(0, -1)}?`,
        '',
        `x${password}`,
        password.slice(1),
        `${password}\u0301`,
      ])
        if (wrong !== password) expect(await verify(wrong, hash), wrong).toBe(false)
    },
    60_000,
  )

  test('has no pepper, under an id that no keyring can have', () => {
    expect(isKeyId(NO_PEPPER)).toBe(false)
  })
})

describe('files 3: one hash in another dialect', () => {
  const url = (text: string) => text.replaceAll('+', '-').replaceAll('/', '_')
  const tag = '87K4KD+Jor7QjLEJ2twg0unh2fBHP5GY+0QkCsBitSU'
  const scryptTag = 'kxOUERN1uDLZHhI/zDdmRFDR4iGVjJsFcBtJgAYDQhc'
  const argonTag = 'N4S8Soq7XvI6mYztDkknR5S008GoQAJZyMNmrOF5ePE'
  test.each([
    ['PBKDF2 with the length of its value', `$pbkdf2-sha256$i=1000,l=32$${SALT}$${tag}`],
    ['PBKDF2, the length first', `$pbkdf2-sha256$l=32,i=1000$${SALT}$${tag}`],
    ['PBKDF2, padded', `$pbkdf2-sha256$i=1000$${SALT}==$${tag}=`],
    ['PBKDF2 in base64url', `$pbkdf2-sha256$i=1000$${url(SALT)}$${url(tag)}`],
    ['PBKDF2 in base64url, padded', `$pbkdf2-sha256$i=1000$${url(SALT)}==$${url(tag)}=`],
    ['PBKDF2 in passlib’s alphabet', `$pbkdf2-sha256$1000$${SALT}$${tag.replaceAll('+', '.')}`],
    ['scrypt with N itself', `$scrypt$ln=1024,r=8,p=2$${SALT}$${scryptTag}`],
    ['scrypt as AdonisJS writes it', `$scrypt$n=1024,r=8,p=2$${SALT}$${scryptTag}`],
    ['scrypt as @phc/scrypt writes it', `$scrypt$n=10,r=8,p=2$${SALT}$${scryptTag}`],
    ['scrypt with a capital N', `$scrypt$N=1024,r=8,p=2$${SALT}$${scryptTag}`],
    ['scrypt in another order', `$scrypt$p=2,ln=10,r=8$${SALT}$${scryptTag}`],
    ['scrypt in base64url, padded', `$scrypt$r=8,p=2,ln=1024$${url(SALT)}==$${url(scryptTag)}=`],
    ['Argon2, padded', `$argon2id$v=19$m=64,t=2,p=1$${SALT}==$${argonTag}=`],
    ['Argon2 in base64url and another order', `$argon2id$v=19$p=1,m=64,t=2$${url(SALT)}$${url(argonTag)}`],
    ['Argon2 as Django writes it', `argon2$argon2id$v=19$m=64,t=2,p=1$${SALT}$${argonTag}`],
    [
      'Argon2 as Spring writes it',
      `{argon2@SpringSecurity_v5_8}$argon2id$v=19$m=64,t=2,p=1$${SALT}$${argonTag}`,
    ],
    ['bcrypt as Spring writes it', '{bcrypt}$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2'],
    [
      'bcrypt as Dovecot writes it',
      '{BLF-CRYPT}$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2',
    ],
    ['bcrypt as Django writes it', 'bcrypt$$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2'],
  ])('is read: %s', async (_, hash) => {
    expect(await verify(LATIN, hash)).toBe(true)
    expect(await verify(`${LATIN}?`, hash)).toBe(false)
  })
})

describe('files 4: what was left out of the check', () => {
  /** libxcrypt, of 72 a and a b. */
  const LONG = '$2b$04$abcdefghijklmnopqrstuuBzzIgyKkz7xMWYSzkIjUSnxEQFQ0WNe'

  test('of bcrypt is what follows 72 bytes, and such a password is not hashed anew', async () => {
    expect(await verify(`${'a'.repeat(72)}c`, LONG)).toBe(true)
    expect(await verify('a'.repeat(72), LONG)).toBe(true)
    expect(await verify('a'.repeat(71), LONG)).toBe(false)
    for (const [password, whole] of [
      ['a'.repeat(71), true],
      ['a'.repeat(72), false],
      ['a'.repeat(88), false],
      ['п'.repeat(35), true],
      ['п'.repeat(36), false],
    ] as const)
      expect(isWhole(password, LONG), password).toBe(whole)
  })

  test.each(EVERY)('of %s is what follows a NUL: then the hash stays', (_, password, hash) => {
    expect(isWhole(`${password}\0`, hash)).toBe(false)
    expect(isWhole(`\0${password}`, hash)).toBe(false)
  })

  test('of PBKDF2 and scrypt is a NUL at the end: HMAC pads its key with those', async () => {
    const cheap = KNOWN.filter(([name, , hash]) => /PBKDF2|scrypt/.test(name) && CHEAP.test(hash))
    expect(cheap.length).toBeGreaterThan(2)
    for (const [name, password, hash] of cheap) expect(await verify(`${password}\0`, hash), name).toBe(true)
  })

  test('of WordPress are the blanks around it, as WordPress trims them: its hash always stays', async () => {
    for (const typed of ['admin', ' admin', 'admin \n', '\tadmin\v']) {
      expect(await verify(typed, WORDPRESS), JSON.stringify(typed)).toBe(true)
      expect(isWhole(typed, WORDPRESS)).toBe(false)
    }
    // What PHP's trim leaves.
    for (const typed of ['\u00a0admin', 'admin\f', 'ad min'])
      expect(await verify(typed, WORDPRESS)).toBe(false)
  })

  test('is nothing where all of the password is hashed before bcrypt cuts it', async () => {
    const long = `${'abc123'.repeat(12)}qwr`
    expect(await verify(long, PASSLIB_LONG)).toBe(true)
    expect(await verify(`${long.slice(0, -1)}x`, PASSLIB_LONG)).toBe(false)
    expect(isWhole(long, PASSLIB_LONG)).toBe(true)
  })
})

describe('files 4: a foreign hash is compared with what was typed', () => {
  const composed = 'caf\u00e9 au lait' // NFC; NFD has an e and an accent
  test('and not with its normal form', async () => {
    expect(await verify(composed.normalize('NFD'), NFD_HASH)).toBe(true)
    expect(await verify(composed, NFD_HASH)).toBe(false)
    expect(await verify(composed, NFC_HASH)).toBe(true)
  })
})

describe('a hash of Firebase', () => {
  test('is stored without the signer key of its project', () => {
    const key = Uint8Array.from(atob(FIREBASE.base64_signer_key), (character) => character.charCodeAt(0))
    const stored = firebase().split('$').slice(3)
    const bytes = stored.map((part) => Uint8Array.from(atob(part), (character) => character.charCodeAt(0)))
    for (const part of bytes) expect(String(part)).not.toContain(String(key.slice(0, 4)))
    expect(bytes.map(({ length }) => length)).toEqual([11, 64])
  })

  test('is read padded or not, in either alphabet', () => {
    const other = (text: string) => text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
    const { hash, salt, base64_signer_key } = FIREBASE
    const spelled = { hash: other(hash), salt: other(salt), base64_signer_key: other(base64_signer_key) }
    expect(firebase(spelled)).toBe(firebase())
  })

  test.each([
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
  test.each([
    ['bcrypt of 2^15', bcrypt('15')],
    ['bcrypt of 2^31', bcrypt('31')],
    ['scrypt in 64 MiB', scrypt('ln=16,r=8,p=1')],
    ['scrypt in 128 GiB', scrypt('ln=30,r=8,p=1')],
    ['scrypt in six lanes of 32 MiB', scrypt('ln=15,r=8,p=6')],
    ['scrypt whose lanes are its memory', scrypt('ln=1,r=700,p=900')],
    ['PBKDF2-SHA-1 of 1,500,001', pbkdf2('sha1', 1_500_001)],
    ['PBKDF2-SHA-256 of 1,500,001', pbkdf2('sha256', 1_500_001)],
    ['PBKDF2-SHA-512 of 1,000,001', pbkdf2('sha512', 1_000_001, TAG_64)],
    ['Django’s PBKDF2 of 3,000,000', `pbkdf2_sha256$3000000$salt$${TAG}=`],
    ['Argon2 in 128 MiB', argon2('id', 'm=131072,t=1,p=1', TAG)],
    ['Argon2 of a million passes', argon2('id', 'm=64,t=1000000,p=1', TAG)],
  ])('%s, as too costly', async (_, hash) => {
    expect(readForeignHash(hash)).toBe('hash_too_costly')
    // However it came into the table.
    expect(() => requireForeignHash(hash)).toThrow(
      expect.toSatisfy((error: unknown) => isCryptoFault(error, 'malformed_password_hash')),
    )
  })

  test.each([
    ['bcrypt 14', bcrypt('14')],
    ['scrypt in 32 MiB and five lanes', scrypt('ln=15,r=8,p=5')],
    ['Django 4.0’s', `pbkdf2_sha256$320000$salt$${TAG}=`],
    ['Django 6.0’s', `pbkdf2_sha256$1200000$salt$${TAG}=`],
    ['OWASP’s PBKDF2-SHA-256', pbkdf2('sha256', 600_000)],
    ['OWASP’s PBKDF2-SHA-512, and Keycloak’s', pbkdf2('sha512', 210_000, TAG_64)],
    ['OWASP’s PBKDF2-SHA-1', pbkdf2('sha1', 1_300_000)],
    ['Argon2 in 64 MiB', argon2('id', 'm=65536,t=3,p=4', TAG)],
    ['Django’s Argon2, in 100 MiB', argon2('id', 'm=102400,t=2,p=8', TAG)],
  ])('but not %s', (_, hash) => {
    expect(readForeignHash(hash)).toBeTypeOf('object')
  })

  test.each([
    ['a bcrypt hash that ends early', bcrypt('10').slice(0, -1)],
    ['one with a line feed', `${bcrypt('10')}\n`],
    ['bcrypt of 2^3', bcrypt('03')],
    ['bcrypt with bits beyond its salt', bcrypt('10').replace('uuH', 'uvH')],
    ['scrypt without its lanes', scrypt('ln=14,r=8')],
    ['scrypt of N=1', scrypt('ln=0,r=8,p=1')],
    ['scrypt of an N that is no power of two', scrypt('ln=16385,r=8,p=1')],
    ['scrypt with a parameter twice', scrypt('ln=14,r=8,p=1,p=1')],
    ['scrypt with a tag that can be guessed', scrypt('ln=14,r=8,p=1', SALT, 'AAAAAAAAAA')],
    ['PBKDF2 with another length than it says', pbkdf2('sha256', '1000,l=31')],
    ['Werkzeug’s with half a byte', 'scrypt:32768:8:1$salt$9edb123f3c3e320f59e05a02d627406e1'],
    ['Django’s without its hash', 'pbkdf2_sha256$320000$salt$'],
    ['PBKDF2 of no iteration', pbkdf2('sha256', 0)],
    ['Argon2 with no room for its lanes', argon2('id', 'm=8,t=1,p=2', TAG)],
    ['a keystream of nothing', `$firebase-scrypt$ln=14,r=8$${SALT}$`],
  ])('%s, as malformed', (_, hash) => {
    expect(readForeignHash(hash)).toBe('malformed_hash')
  })

  test.each([
    ['nothing', ''],
    ['a password', 'correct horse battery'],
    ['Django’s mark of no password', '!aBcDeFgHiJkLmNoPqRsTuVwXyZ'],
    [
      'base64 that is not ASP.NET Identity’s',
      'QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB',
    ],
  ])('%s, as unknown', (_, hash) => {
    expect(readForeignHash(hash)).toBe('unknown_hash')
  })

  test.each([
    ['phpass, as WordPress had it', '$P$BsSozX7pxy0bajB//ff34WOg4vN9OI/'],
    ['phpass, as phpBB has it', '$H$9aaaaaSXBjgypwqm.JsMssPLiS8YQ00'],
    ['Drupal 7’s', '$S$CbOFRy9WH7IMYAQ.OZ.hlNQvbwYHrEvXnlhsKXyOF6Bb7KhpDdqp'],
    ['MD5', '5f4dcc3b5aa765d61d8327deb882cf99'],
    ['Joomla’s salted MD5', '5f4dcc3b5aa765d61d8327deb882cf99:aBcDeFgHiJkLmNoP'],
    ['SHA-1', '5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8'],
    ['SHA-256', '5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8'],
    ['MySQL’s', '*2470c0c06dee42fd1618bb99005adca2ec9d1e19'],
    ['Django’s MD5', 'md5$seasalt$3f86d0d3d465b7b458c231bf3555c0e3'],
    ['Django’s SHA-1 without a salt', 'sha1$$6d138ca3ae545631b3abd71a4f076ce759c5700b'],
    ['Django’s crypt', 'crypt$$ab1Hv2Lg7ltQo'],
    [
      'Django’s Argon2 of another version',
      'argon2$argon2i$m=8,t=1,p=1$c29tZXNhbHQ$gwQOXSNhxiOxPOA0+PY10P9QFO4NAYysnqRt1GSQLE55m+2GYDt9FEjPMHhP2Cuf0nOEXXMocVrsJAtNSsKyfg',
    ],
    ['Argon2 of another version', argon2('id', 'm=64,t=2,p=1', TAG).replace('v=19', 'v=16')],
    ['bcrypt 2x, which was made by a broken implementation', bcrypt('10').replace('2b', '2x')],
    ['LDAP’s', '{SSHA}JFZFs0oHzxbMwkSJmYVeI8MnTDy/276a'],
    [
      'crypt with SHA-512',
      '$6$52450745$k5ka2p8bFuSmoVT1tzOyyuaREkkKBcCNqoDKzYiJL9RaE8yMnPgh2XzzF0NDrUhgrcLwg78xs1w5pJiypEdFX/',
    ],
    ['Ory’s MD5', '$md5$CY9rzUYh03PK3k6DJie09g=='],
    [
      'PBKDF2 with another digest',
      '$pbkdf2-sha384$i=1000$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    ],
    ['hexadecimal salt and key', `${'ab'.repeat(16)}:${'cd'.repeat(64)}`],
  ])('%s, as not supported', (_, hash) => {
    expect(readForeignHash(hash)).toBe('hash_not_supported')
  })
})
