import { describe, expect, test } from 'vitest'
import {
  deriveAll,
  deriveKey,
  isUnknownKeyError,
  type Keyring,
  parseKeyring,
} from '../../src/crypto/keyring.ts'
import { oneKey, onlyNewKey, random, rootKeyText, toHex, twoKeys } from '../support/bytes-and-keys.ts'

const keyIds = (keyring: Keyring) => keyring.map(({ keyId }) => keyId)

describe('a keyring setting', () => {
  test('is read newest first', () => {
    expect(keyIds(twoKeys)).toEqual(['k2', 'k1'])
    expect(toHex(twoKeys[0].rootKeyBytes())).toBe('02'.repeat(32))
  })

  test('may use url-safe base64, leave out the padding, and be written over several lines', () => {
    const bytes = new Uint8Array(32).fill(0xfb)
    const standard = btoa(String.fromCharCode(...bytes))
    const urlSafe = standard.replaceAll('+', '-').replaceAll('/', '_').replace('=', '')
    expect(standard).toContain('+')
    expect(toHex(parseKeyring(`a:${urlSafe}`)[0].rootKeyBytes())).toBe(toHex(bytes))
    expect(keyIds(parseKeyring(` a:${standard},\n b:${rootKeyText(1)}\n`))).toEqual(['a', 'b'])
  })

  const secret = rootKeyText(42)
  test.each([
    ['is empty', '', 'entry 1 is empty'],
    ['ends in a comma', `k1:${secret},`, 'entry 2 is empty'],
    ['has a key without an id', secret, 'entry 1 has no ":"'],
    ['has an empty id', `:${secret}`, 'entry 1 has a key id'],
    ['has an id of 17 characters', `${'k'.repeat(17)}:${secret}`, 'entry 1 has a key id'],
    [
      'has an id with a dot, which separates the parts of a sealed text',
      `k.1:${secret}`,
      'entry 1 has a key id',
    ],
    ['has id and key swapped', `${secret}:k1`, 'entry 1 has a key id'],
    [
      'has a key that is not base64',
      `k1:${secret.slice(0, 20)}%${secret.slice(21)}`,
      'entry 1 has a key that is not',
    ],
    ['has a key with too much padding', `k1:${secret}===`, 'entry 1 has a key that is not'],
    ['has a key of 31 bytes', `k2:${secret},k1:${btoa('x'.repeat(31))}`, 'entry 2 has a key of 31 bytes'],
    ['has a key of 33 bytes', `k1:${btoa('x'.repeat(33))}`, 'entry 1 has a key of 33 bytes'],
    ['has one id twice', `k1:${secret},k1:${rootKeyText(1)}`, 'one key id twice'],
    [
      'has one key under two ids, a rotation that did not happen',
      `k2:${secret},k1:${secret}`,
      'under two key ids',
    ],
  ])('that %s is refused, in words that hold no key material', (_, text, expectedWords) => {
    expect(() => parseKeyring(text)).toThrow(
      expect.toSatisfy(
        (error: Error) =>
          error.message.includes(expectedWords) && !error.message.includes(secret.slice(0, 8)),
      ),
    )
  })

  test('leaves no key material in what is logged or serialised', () => {
    const keyring = parseKeyring(`k1:${secret}`)
    expect(JSON.stringify(keyring)).toBe('[{"keyId":"k1"}]')
  })
})

describe('a derived key', () => {
  test('is a copy: who wipes it wipes no one else’s', async () => {
    const ring = parseKeyring(`k1:${rootKeyText(7)}`)
    const { key } = await deriveKey(ring, 'cursor')
    const before = toHex(key)
    key.fill(0)
    expect(toHex((await deriveKey(ring, 'cursor')).key)).toBe(before)
  })

  test('is kept for few purposes, however many hosts callers make up', async () => {
    const ring = parseKeyring(`k1:${rootKeyText(8)}`)
    for (let host = 0; host < 200; host++) await deriveKey(ring, `caller:${host}`)
    expect(ring[0].derivedKeys().size).toBeLessThan(100)
    expect(toHex((await deriveKey(ring, 'caller:199')).key)).toBe(
      toHex((await deriveKey(parseKeyring(`k1:${rootKeyText(8)}`), 'caller:199')).key),
    )
  })

  test('is HKDF-SHA-256 of the root key with the purpose as info', async () => {
    // Node 24: hkdfSync('sha256', Buffer.alloc(32, 1), '', 'cursor', 32)
    const { keyId, key } = await deriveKey(oneKey, 'cursor')
    expect(keyId).toBe('k1')
    expect(toHex(key)).toBe('7bdf64d70abdb550ba774eaaa688a64685090930738aa7c9f2b019d5437b3053')
  })

  test('is of the newest root key, or of the one that is named', async () => {
    const newest = await deriveKey(twoKeys, 'one-time')
    const older = await deriveKey(twoKeys, 'one-time', 'k1')
    expect([newest.keyId, older.keyId]).toEqual(['k2', 'k1'])
    expect(older).toEqual(await deriveKey(oneKey, 'one-time'))
    expect(toHex(newest.key)).not.toBe(toHex(older.key))
    expect(await deriveAll(twoKeys, 'one-time')).toEqual([newest, older])
  })

  test('differs for every purpose', async () => {
    const purposes = [
      'refresh-hash',
      'refresh-successor',
      'one-time',
      'password-pepper',
      'seal:totp',
      'seal:webhook',
      'seal:signing-key',
      'redis-subject',
      'cookie:session',
      'cookie:state',
      'cursor',
    ]
    const keys = await Promise.all(
      purposes.map(async (purpose) => toHex((await deriveKey(oneKey, purpose)).key)),
    )
    expect(new Set(keys).size).toBe(purposes.length)
    expect(keys).not.toContain(toHex(oneKey[0].rootKeyBytes()))
  })

  test('that is not in the ring is an UnknownKeyError, which a caller cannot take for "wrong password"', async () => {
    const missing = await deriveKey(onlyNewKey, 'password-pepper', 'k1').catch((error: unknown) => error)
    expect(isUnknownKeyError(missing)).toBe(true)
    expect(isUnknownKeyError(new Error('unknown_key'))).toBe(false)
    await expect(deriveKey(onlyNewKey, 'password-pepper', '')).rejects.toSatisfy(isUnknownKeyError)
  })

  test('has nothing to do with the derived key of another root key', async () => {
    const other = parseKeyring(`k1:${btoa(String.fromCharCode(...random(32)))}`)
    expect(toHex((await deriveKey(other, 'cursor')).key)).not.toBe(
      toHex((await deriveKey(oneKey, 'cursor')).key),
    )
  })
})
