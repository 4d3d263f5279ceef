import { describe, expect, test } from 'vitest'
import { argon2 } from '../../src/crypto/argon2.ts'
import { toBase64 } from '../../src/crypto/base64.ts'
import { isCryptoFault } from '../../src/crypto/fault.ts'
import {
  DEFAULT_COST,
  decoyHash,
  hashPassword,
  needsRehash,
  verifyPassword,
} from '../../src/crypto/password-hash.ts'
import type { Argon2Cost } from '../../src/crypto/phc.ts'
import { random, utf8 } from '../support/bytes-and-keys.ts'

const cost: Argon2Cost = { memoryKiB: 64, iterations: 2, parallelism: 1 }
const pepper = { keyId: 'k1', key: new Uint8Array(32).fill(7) }
const options = { cost, pepper, random }
const hash = (password: string) => hashPassword(password, options)

/** A PHC string of `password` put together by hand, for what `hashPassword` would not write. */
function phcOf(password: string, change: { type?: 'd' | 'i' | 'id'; parameters?: string } = {}): string {
  const type = change.type ?? 'id'
  const salt = new Uint8Array(16).fill(5)
  const tag = argon2({ password: utf8(password), salt, secret: pepper.key, ...cost, tagLength: 32, type })
  return `$argon2${type}$v=19$${change.parameters ?? 'm=64,t=2,p=1'}$${toBase64(salt)}$${toBase64(tag)}`
}

describe('a password hash', () => {
  test('is a PHC string with the default cost, a salt of 16 bytes and a tag of 32, and names its pepper', () => {
    const stored = hashPassword('correct horse', { ...options, cost: DEFAULT_COST })
    expect(stored.phc).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    expect(stored.keyId).toBe('k1')
    expect(verifyPassword('correct horse', stored.phc, pepper.key)).toBe(true)
  })

  test('verifies its own password and no other', () => {
    const { phc } = hash('correct horse')
    expect(verifyPassword('correct horse', phc, pepper.key)).toBe(true)
    for (const wrong of ['correct hors', 'correct horse ', 'Correct horse', '', 'correct horse\u0000'])
      expect(verifyPassword(wrong, phc, pepper.key), wrong).toBe(false)
  })

  test('does not verify two different Cyrillic passwords against each other', () => {
    // As long in characters, different at the end: a driver that counts UTF-16 units as bytes drops the difference.
    const { phc } = hash('парольодин')
    expect(verifyPassword('парольдва!', phc, pepper.key)).toBe(false)
    expect(verifyPassword('парольодна', phc, pepper.key)).toBe(false)
    expect(verifyPassword('парольодин', phc, pepper.key)).toBe(true)
  })

  test('counts the last character of a password of 40 kB', () => {
    const { phc } = hash(`${'ж'.repeat(20_000)}1`)
    expect(verifyPassword(`${'ж'.repeat(20_000)}2`, phc, pepper.key)).toBe(false)
    expect(verifyPassword(`${'ж'.repeat(20_000)}1`, phc, pepper.key)).toBe(true)
  })

  test('differs each time, because its salt is random', () => {
    expect(hash('correct horse').phc).not.toBe(hash('correct horse').phc)
  })

  test('is false under another pepper, and under none', () => {
    const { phc } = hash('correct horse')
    expect(verifyPassword('correct horse', phc, new Uint8Array(32).fill(8))).toBe(false)
    expect(verifyPassword('correct horse', phc, new Uint8Array(0))).toBe(false)
  })

  test.each([
    ['text with a lone surrogate, which would equal every other such text', 'a\ud800', options],
    ['a pepper that is missing', 'a', { ...options, pepper: { keyId: 'k1', key: new Uint8Array(0) } }],
    ['random bytes that are too few', 'a', { ...options, random: () => new Uint8Array(15) }],
    ['a cost that it would not verify', 'a', { ...options, cost: { ...cost, iterations: 17 } }],
    ['a cost of no pass', 'a', { ...options, cost: { ...cost, iterations: 0 } }],
  ])('is not made of %s', (_, password, badOptions) => {
    expect(() => hashPassword(password, badOptions)).toThrow(RangeError)
  })
})

describe('a stored PHC string', () => {
  test.each(['m=64,t=2,p=1', 'm=64,p=1,t=2', 't=2,m=64,p=1', 'p=1,t=2,m=64'])(
    'is read with its parameters in the order %s (npm argon2 writes m, p, t)',
    (parameters) => {
      const phc = phcOf('correct horse', { parameters })
      expect(verifyPassword('correct horse', phc, pepper.key)).toBe(true)
      expect(verifyPassword('wrong', phc, pepper.key)).toBe(false)
    },
  )

  test.each(['i', 'd'] as const)('of type Argon2%s verifies, and asks to be hashed again', (type) => {
    const phc = phcOf('correct horse', { type })
    expect(verifyPassword('correct horse', phc, pepper.key)).toBe(true)
    expect(needsRehash({ phc, keyId: 'k1' }, cost, 'k1')).toBe(true)
  })

  const good = phcOf('correct horse')
  const [, , , , salt = '', tag = ''] = good.split('$')
  const withParameters = (parameters: string) => `$argon2id$v=19$${parameters}$${salt}$${tag}`
  test.each([
    ['nothing', ''],
    ['a word', 'garbage'],
    ['another hash', '$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy'],
    ['another type', good.replace('argon2id', 'argon2ix')],
    ['no version', good.replace('$v=19', '')],
    ['an old version', good.replace('v=19', 'v=16')],
    ['a line feed at its end', `${good}\n`],
    ['a blank before it', ` ${good}`],
    ['base64 padding', `${good}=`],
    ['base64url', good.replace(salt, `${salt.slice(0, 20)}-_`)],
    ['bits beyond the last byte', `${good.slice(0, -1)}B`],
    ['no tag', `$argon2id$v=19$m=64,t=2,p=1$${salt}`],
    ['an empty tag', `$argon2id$v=19$m=64,t=2,p=1$${salt}$`],
    ['a tag that can be guessed', `$argon2id$v=19$m=64,t=2,p=1$${salt}$AAAAAA`],
    ['a tag of 96 bytes', `$argon2id$v=19$m=64,t=2,p=1$${salt}$${'A'.repeat(128)}`],
    ['a salt of 6 bytes', `$argon2id$v=19$m=64,t=2,p=1$AAAAAAAA$${tag}`],
    ['a sixth field', `${good}$AAAA`],
    ['no memory', withParameters('t=2,p=1')],
    ['memory twice', withParameters('m=64,m=64,t=2,p=1')],
    ['memory with a leading zero', withParameters('m=064,t=2,p=1')],
    ['a negative parameter', withParameters('m=-64,t=2,p=1')],
    ['an exponent', withParameters('m=6e4,t=2,p=1')],
    ['an unknown parameter', withParameters('m=64,t=2,p=1,x=1')],
    ['a key id inside', withParameters('m=64,t=2,p=1,keyid=AAAA')],
    ['no lanes', withParameters('m=64,t=2,p=0')],
    ['less memory than its lanes need', withParameters('m=31,t=2,p=4')],
    ['4 GiB', withParameters('m=4194304,t=1,p=1')],
    ['one KiB more than half an isolate', withParameters('m=65537,t=1,p=1')],
    ['four thousand million passes', withParameters('m=8,t=4294967295,p=1')],
    ['17 passes', withParameters('m=8,t=17,p=1')],
    ['17 lanes', withParameters('m=4096,t=1,p=17')],
    ['64 MiB in 9 passes, each allowed and together too much CPU', withParameters('m=65536,t=9,p=1')],
  ])('that is malformed or too dear (%s) is a fault, and never "wrong password"', (_, phc) => {
    const isFault = expect.toSatisfy((error) => isCryptoFault(error, 'malformed_password_hash'))
    expect(() => verifyPassword('correct horse', phc, pepper.key)).toThrow(isFault)
    expect(() => needsRehash({ phc, keyId: 'k1' }, cost, 'k1')).toThrow(isFault)
  })

  test('does not appear in the fault about it', () => {
    expect(() => verifyPassword('a', `${good}=`, pepper.key)).toThrow(
      expect.toSatisfy((error: Error) => !error.message.includes(tag) && !error.message.includes(salt)),
    )
  })
})

describe('a password is hashed again', () => {
  const stored = hash('correct horse')

  test('not while its hash is as wanted, or dearer', () => {
    expect(needsRehash(stored, cost, 'k1')).toBe(false)
    expect(needsRehash(stored, { memoryKiB: 32, iterations: 1, parallelism: 1 }, 'k1')).toBe(false)
  })

  test.each([
    ['the wanted memory is higher', { ...cost, memoryKiB: 65 }, 'k1'],
    ['the wanted iterations are higher', { ...cost, iterations: 3 }, 'k1'],
    ['the wanted parallelism is higher', { ...cost, parallelism: 2 }, 'k1'],
    ['one cost is higher though another is lower', { ...cost, memoryKiB: 32, iterations: 3 }, 'k1'],
    ['the pepper was rotated', cost, 'k2'],
  ])('when %s', (_, wanted, newestKeyId) => {
    expect(needsRehash(stored, wanted, newestKeyId)).toBe(true)
  })
})

describe('the decoy for an unknown account', () => {
  test('has the parameters and the lengths of a real hash of the same cost', () => {
    const shape = (phc: string) => phc.split('$').map((field, index) => (index > 3 ? field.length : field))
    expect(shape(decoyHash(cost))).toEqual(shape(hash('correct horse').phc))
    expect(shape(decoyHash(DEFAULT_COST)).join('$')).toContain('m=19456,t=2,p=1')
  })

  test('is the same for the same cost', () => {
    expect(decoyHash(cost)).toBe(decoyHash({ ...cost }))
  })

  test('matches no password, under any pepper', () => {
    for (const password of ['', 'correct horse', 'decoy', '\u0000'])
      expect(verifyPassword(password, decoyHash(cost), pepper.key)).toBe(false)
    expect(verifyPassword('', decoyHash(cost), new Uint8Array(0))).toBe(false)
  })
})
