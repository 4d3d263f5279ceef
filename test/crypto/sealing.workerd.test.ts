import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deriveKey, isUnknownKeyError, parseKeyring } from '../../src/crypto/keyring.ts'
import { open, seal } from '../../src/crypto/sealing.ts'
import { oneKey, onlyNewKey, random, rootKeyText, twoKeys, utf8 } from '../support/bytes-and-keys.ts'

const secret = utf8('JBSWY3DPEHPK3PXP')
const purposes = ['seal:totp', 'seal:webhook', 'seal:signing-key', 'cookie:state', 'cookie:session', 'cursor']

describe('a sealed text', () => {
  test('opens with the same purpose and context, and reads <key id>.<nonce>.<ciphertext>', async () => {
    const sealed = await seal(twoKeys, 'seal:totp', secret, 'factor-1', random)
    expect(sealed).toMatch(/^k2\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]+$/)
    expect(await open(twoKeys, 'seal:totp', sealed, 'factor-1')).toEqual(secret)
  })

  test('may hold nothing', async () => {
    const sealed = await seal(oneKey, 'seal:totp', new Uint8Array(0), '', random)
    expect(await open(oneKey, 'seal:totp', sealed, '')).toEqual(new Uint8Array(0))
  })

  test('returns any bytes, for any context', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.string({ unit: 'grapheme' }),
        async (bytes, context) => {
          const sealed = await seal(oneKey, 'cursor', bytes, context, random)
          expect(await open(oneKey, 'cursor', sealed, context)).toEqual(bytes)
        },
      ),
      { numRuns: 40 },
    )
  })

  test('is null for every other purpose, all pairs', async () => {
    for (const made of purposes) {
      const sealed = await seal(oneKey, made, secret, 'row', random)
      for (const used of purposes)
        expect(await open(oneKey, used, sealed, 'row'), `${made} as ${used}`).toEqual(
          used === made ? secret : null,
        )
    }
  })

  test('is bound to its purpose even where the key is the same', async () => {
    // Sealed by hand with the right key and nonce, but under the label of another purpose.
    const { key } = await deriveKey(oneKey, 'seal:totp')
    const aesKey = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt'])
    const sealUnderLabel = async (label: string) => {
      const additionalData = utf8(JSON.stringify([label, 'row']))
      const algorithm = { name: 'AES-GCM', iv: new Uint8Array(12), additionalData }
      const sealed = new Uint8Array(await crypto.subtle.encrypt(algorithm, aesKey, secret))
      const text = btoa(String.fromCharCode(...sealed))
        .replaceAll('+', '-')
        .replaceAll('/', '_')
        .replace(/=+$/, '')
      return `k1.${'A'.repeat(16)}.${text}`
    }
    expect(await open(oneKey, 'seal:totp', await sealUnderLabel('seal:totp'), 'row')).toEqual(secret)
    expect(await open(oneKey, 'seal:totp', await sealUnderLabel('seal:webhook'), 'row')).toBeNull()
  })

  test.each(['factor-2', '', 'factor-1 ', 'Factor-1', '"factor-1'])(
    'is null in the row of another (context %j), so rows cannot be swapped',
    async (context) => {
      const sealed = await seal(oneKey, 'seal:totp', secret, 'factor-1', random)
      expect(await open(oneKey, 'seal:totp', sealed, context)).toBeNull()
    },
  )

  test('differs each time', async () => {
    const sealed = await Promise.all([1, 2].map(() => seal(oneKey, 'seal:totp', secret, 'row', random)))
    expect(sealed[0]).not.toBe(sealed[1])
  })

  test('is not made with a nonce of another length', async () => {
    await expect(seal(oneKey, 'seal:totp', secret, 'row', () => new Uint8Array(8))).rejects.toThrow(
      RangeError,
    )
  })

  test('of an older key opens after a rotation; without that key it is an UnknownKeyError, not null', async () => {
    const sealed = await seal(oneKey, 'seal:totp', secret, 'row', random)
    expect(await open(twoKeys, 'seal:totp', sealed, 'row')).toEqual(secret)
    await expect(open(onlyNewKey, 'seal:totp', sealed, 'row')).rejects.toSatisfy(isUnknownKeyError)
  })

  test('is null under the key of another ring that has the same id', async () => {
    const sealed = await seal(oneKey, 'seal:totp', secret, 'row', random)
    const sameId = parseKeyring(`k1:${rootKeyText(77)}`)
    expect(await open(sameId, 'seal:totp', sealed, 'row')).toBeNull()
  })
})

describe('what is not a sealed text', () => {
  test('is null after any one character was changed, left out or added', async () => {
    const sealed = await seal(oneKey, 'seal:totp', utf8('x'), 'row', random)
    for (let index = 3; index < sealed.length; index++) {
      const [before, after] = [sealed.slice(0, index), sealed.slice(index + 1)]
      const other = sealed[index] === 'A' ? 'B' : 'A'
      for (const changed of [
        `${before}${other}${after}`,
        `${before}${after}`,
        `${before}A${sealed.slice(index)}`,
      ])
        if (changed !== sealed) expect(await open(oneKey, 'seal:totp', changed, 'row'), changed).toBeNull()
    }
  })

  test('is null with a fourth part', async () => {
    const sealed = await seal(oneKey, 'seal:totp', secret, 'row', random)
    for (const tail of ['.', '.AAAA', '.AAAA.AAAA'])
      expect(await open(oneKey, 'seal:totp', `${sealed}${tail}`, 'row')).toBeNull()
  })

  const nonce = 'A'.repeat(16)
  test.each([
    '',
    '.',
    '..',
    '...',
    'k1',
    `k1.${nonce}`,
    `k1.${nonce}.`,
    `k1..${'A'.repeat(22)}`,
    `k1.${nonce}.AAAA`,
    `k1.${nonce.slice(1)}.${'A'.repeat(22)}`,
    `k1.${nonce}.${'A'.repeat(22)}.`,
    `k1.${nonce}.${'A'.repeat(22)}=`,
    ` k1.${nonce}.${'A'.repeat(22)}`,
    `k/1.${nonce}.${'A'.repeat(22)}`,
    `${'k'.repeat(17)}.${nonce}.${'A'.repeat(22)}`,
    `k1.${nonce}.${'\u0000'.repeat(22)}`,
    `k1.${nonce}.${'A'.repeat(100_000)}`,
  ])('is null (%j)', async (text) => {
    expect(await open(oneKey, 'seal:totp', text, 'row')).toBeNull()
  })

  test('never throws, whatever is sent under a known key id', async () => {
    const anything = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'binary' }).map((text) => `k1.${text}`),
      fc.stringMatching(/^k1\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{0,60}$/),
    )
    await fc.assert(
      fc.asyncProperty(anything, async (text) => {
        const opened = await open(oneKey, 'cursor', text, '').catch((error: unknown) => {
          if (isUnknownKeyError(error)) return null
          throw error
        })
        expect(opened).toBeNull()
      }),
    )
  })
})
