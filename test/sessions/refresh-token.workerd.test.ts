import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toBase64Url } from '../../src/crypto/base64.ts'
import { isUnknownKeyError } from '../../src/crypto/keyring.ts'
import {
  hashRefreshToken,
  newRefreshToken,
  parseRefreshToken,
  refreshTokenHashes,
  successorOf,
} from '../../src/sessions/refresh-token.ts'
import { oneKey, onlyNewKey, random, toHex, twoKeys } from '../support/bytes-and-keys.ts'

describe('a refresh token', () => {
  test('is lkr_ and 43 characters of base64url, made of 32 random bytes', () => {
    expect(newRefreshToken(random)).toMatch(/^lkr_[A-Za-z0-9_-]{43}$/)
    expect(newRefreshToken(() => new Uint8Array(32).fill(255))).toBe(`lkr_${'_'.repeat(42)}8`)
    expect(newRefreshToken(random)).not.toBe(newRefreshToken(random))
  })

  test('is not made of fewer bytes than it needs', () => {
    expect(() => newRefreshToken(() => new Uint8Array(16))).toThrow(RangeError)
  })

  test('is read back exactly', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        const token = newRefreshToken(() => bytes)
        expect(parseRefreshToken(token)).toBe(token)
      }),
    )
  })

  const good = `lkr_${'A'.repeat(43)}`
  test.each([
    ['nothing', ''],
    ['the prefix alone', 'lkr_'],
    ['no prefix', 'A'.repeat(43)],
    ['another prefix', good.replace('lkr_', 'lka_')],
    ['the prefix in capitals', good.replace('lkr_', 'LKR_')],
    ['a character fewer', good.slice(0, -1)],
    ['a character more', `${good}A`],
    ['padding', `${good}=`],
    ['standard base64', `${good.slice(0, -2)}+A`],
    ['a second spelling of the same bytes', `${good.slice(0, -1)}B`],
    ['a line feed at the end', `${good}\n`],
    ['a blank in front', ` ${good}`],
    ['a NUL', `${good.slice(0, -2)}\u0000A`],
    ['a letter that only looks like A', good.replace(/A/, '\u0410')],
    ['a megabyte', `lkr_${'A'.repeat(1_000_000)}`],
  ])('is refused when it is %s', (_, text) => {
    expect(parseRefreshToken(text)).toBeNull()
  })

  test('is accepted in one form only, whatever is sent', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^lkr_[A-Za-z0-9_-]{42,44}$/)),
        (text) => {
          const token = parseRefreshToken(text)
          expect(token === null || token === text).toBe(true)
        },
      ),
    )
  })
})

describe('the stored hash of a refresh token', () => {
  const token = newRefreshToken(random)

  test('has 32 bytes and is the same for the same key and token', async () => {
    const first = await hashRefreshToken(twoKeys, token)
    expect(first.keyId).toBe('k2')
    expect(first.hash).toHaveLength(32)
    expect(await hashRefreshToken(twoKeys, token)).toEqual(first)
    expect((await hashRefreshToken(twoKeys, newRefreshToken(random))).hash).not.toEqual(first.hash)
  })

  test('needs the server key: it is not the SHA-256 of the token, and differs per key', async () => {
    const [newer, older] = await refreshTokenHashes(twoKeys, token)
    expect(newer?.hash).not.toEqual(older?.hash)
    const plain = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token)))
    expect(toHex(newer?.hash ?? plain)).not.toBe(toHex(plain))
  })

  test('contains neither the token nor its bytes', async () => {
    const bytes = random(32)
    const { hash } = await hashRefreshToken(
      oneKey,
      newRefreshToken(() => bytes),
    )
    expect(toHex(hash)).not.toBe(toHex(bytes))
    expect(toBase64Url(hash)).not.toBe(toBase64Url(bytes))
  })

  test('of an older key is still found after a rotation, and not after the key was removed', async () => {
    const before = await hashRefreshToken(oneKey, token)
    expect(await refreshTokenHashes(twoKeys, token)).toEqual([await hashRefreshToken(twoKeys, token), before])
    expect(await refreshTokenHashes(onlyNewKey, token)).not.toContainEqual(before)
  })
})

describe('the successor of a refresh token', () => {
  const token = newRefreshToken(random)

  test('is a token, and the same one each time, also after another key became the newest', async () => {
    const successor = await successorOf(oneKey, token, 'k1')
    expect(parseRefreshToken(successor)).toBe(successor)
    expect(await successorOf(twoKeys, token, 'k1')).toBe(successor)
  })

  test('differs per key and per token, and is not the token', async () => {
    const successors = await Promise.all([
      successorOf(twoKeys, token, 'k1'),
      successorOf(twoKeys, token, 'k2'),
      successorOf(twoKeys, newRefreshToken(random), 'k1'),
    ])
    expect(new Set([token, ...successors]).size).toBe(4)
  })

  test('cannot be read from the stored hash, though both come from the same root key', async () => {
    const { hash } = await hashRefreshToken(oneKey, token)
    expect(await successorOf(oneKey, token, 'k1')).not.toBe(`lkr_${toBase64Url(hash)}`)
  })

  test('under a key that is not in the ring is an UnknownKeyError', async () => {
    await expect(successorOf(onlyNewKey, token, 'k1')).rejects.toSatisfy(isUnknownKeyError)
  })
})
