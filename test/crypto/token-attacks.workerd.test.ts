import fc from 'fast-check'
import { CompactEncrypt, exportSPKI, importJWK, SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { fromBase64Url, toBase64Url } from '../../src/crypto/base64.ts'
import { generateSigningKey, readUnverified, signAccessToken } from '../../src/crypto/signing.ts'
import { random, utf8 } from '../support/bytes-and-keys.ts'
import {
  accessClaims,
  algorithms,
  claims,
  ecKey,
  edKey,
  goodHeader,
  keyFor,
  now,
  segment,
  signRaw,
  verify,
} from './access-token-support.ts'

const goodToken = await signAccessToken(edKey, claims)
const [headerText, payloadText, signatureText] = goodToken.split('.')

describe('a token under another algorithm than the key of its row', () => {
  test.each(algorithms)(
    'is refused when our public %s key was used as an HMAC secret (A01)',
    async (algorithm) => {
      const key = keyFor(algorithm)
      const pem = await exportSPKI(
        // A public JWK gives a CryptoKey; bytes come from symmetric keys only.
        (await importJWK(key.publicJwk, algorithm, { extractable: true })) as CryptoKey,
      )
      const der = Uint8Array.from(atob(pem.replace(/-----[^-]+-----|\s/g, '')), (byte) => byte.charCodeAt(0))
      const raw = fromBase64Url(key.publicJwk.x ?? '') ?? der
      const secrets = [utf8(JSON.stringify(key.publicJwk)), raw, der, utf8(pem), utf8(`\n${pem}`)]
      for (const alg of ['HS256', 'HS384', 'HS512']) {
        for (const secret of secrets) {
          const header = { alg, kid: key.kid, typ: 'at+jwt' }
          const forged = await new SignJWT(claims).setProtectedHeader(header).sign(longEnough(secret))
          expect(await verify(forged, key)).toBeNull()
        }
      }
    },
  )

  test.each(['none', 'None', 'NONE', 'nOnE', '', null, 0, ['EdDSA']])(
    'is refused for alg %j (A02)',
    async (alg) => {
      const unsigned = `${segment({ ...goodHeader, alg })}.${payloadText}`
      for (const token of [`${unsigned}.`, unsigned, `${unsigned}..`, `${unsigned}.${signatureText}`, '...'])
        expect(await verify(token)).toBeNull()
      expect(await verify(await signRaw({ ...goodHeader, alg }, claims))).toBeNull()
    },
  )

  test('is refused when ES256 signed it and the key is EdDSA, and the other way round (A03)', async () => {
    const ecUnderEdName = await signAccessToken({ ...ecKey, kid: edKey.kid }, claims)
    const edUnderEcName = await signAccessToken({ ...edKey, kid: ecKey.kid }, claims)
    expect(await verify(ecUnderEdName, edKey)).toBeNull()
    expect(await verify(edUnderEcName, ecKey)).toBeNull()
    expect(await verify(await signRaw({ ...goodHeader, alg: 'ES256' }, claims))).toBeNull()
    expect(await verify(await signRaw({ ...goodHeader, alg: 'Ed25519' }, claims))).toBeNull()
  })

  test('is refused when it names another kid than the key it is held against', async () => {
    expect(await verify(await signRaw({ ...goodHeader, kid: 'another-key' }, claims))).toBeNull()
  })
})

describe('a token with another header', () => {
  test('is refused when it brings its own key, though that key signed it (A10)', async () => {
    const foreign = await generateSigningKey('EdDSA', now)
    expect(await verify(await signRaw({ ...goodHeader, jwk: foreign.publicJwk }, claims, foreign))).toBeNull()
  })

  test.each([
    ['jwk', edKey.publicJwk],
    ['jku', 'https://sink.example/jwks.json'],
    ['x5u', 'https://sink.example/cert.pem'],
    ['x5c', ['MIIB']],
    ['x5t', 'AAAA'],
    ['crit', ['exp']],
    ['b64', false],
    ['zip', 'DEF'],
    ['cty', 'JWT'],
    ['__proto__', { kid: edKey.kid }],
  ])('is refused for its member %s, though it is rightly signed (A10)', async (name, value) => {
    const json = `{"alg":"EdDSA","kid":"${edKey.kid}","typ":"at+jwt",${JSON.stringify(name)}:${JSON.stringify(value)}}`
    const token = await signRaw(json, claims)
    expect(readUnverified(token)).toBeNull()
    expect(await verify(token)).toBeNull()
  })

  test.each(['JWT', 'AT+JWT', 'application/at+jwt', 'at+jwt ', '', null, undefined, ['at+jwt']])(
    'is refused for typ %j, so an id_token or a state cookie is no access token',
    async (typ) => {
      const token = await signRaw({ ...goodHeader, typ }, claims)
      expect(readUnverified(token)).toBeNull()
      expect(await verify(token)).toBeNull()
    },
  )

  test.each([
    '../../dev/null',
    "' OR 1=1--",
    'short12',
    'k'.repeat(65),
    'k'.repeat(10_000),
    'kid-with-é',
    `${edKey.kid}\n`,
    '',
    7,
    null,
    [edKey.kid],
    { kid: edKey.kid },
    undefined,
  ])('is not looked up for kid %j (A10)', async (kid) => {
    expect(readUnverified(await signRaw({ ...goodHeader, kid }, claims))).toBeNull()
  })
})

describe('an encrypted token', () => {
  test('is refused, compressed or not, in no time (A09)', async () => {
    const bomb = utf8(JSON.stringify({ ...claims, padding: '0'.repeat(200_000) }))
    const header = { alg: 'dir', enc: 'A256GCM', kid: edKey.kid, typ: 'at+jwt' } as const
    const plain = await new CompactEncrypt(utf8(JSON.stringify(claims)))
      .setProtectedHeader(header)
      .encrypt(random(32))
    const zipped = await new CompactEncrypt(bomb)
      .setProtectedHeader({ ...header, zip: 'DEF' })
      .encrypt(random(32))
    for (const token of [plain, zipped]) {
      expect(token.length).toBeLessThan(4096)
      expect(readUnverified(token)).toBeNull()
      expect(await verify(token)).toBeNull()
    }
  })
})

describe('readUnverified', () => {
  test('reads kid and sid of a token of ours', () => {
    expect(readUnverified(goodToken)).toEqual({ kid: edKey.kid, sid: claims.sid })
  })

  test.each([
    '',
    '.',
    '..',
    '...',
    '%',
    '%E0%A4%A',
    '\u0000',
    'Bearer x',
    ` ${goodToken}`,
    `${goodToken} `,
    `${goodToken}\n`,
    `${goodToken}.`,
    `.${goodToken}`,
    `${goodToken},${goodToken}`,
    `\t${goodToken}`,
    `${headerText}.${payloadText}`,
    `${headerText}.${payloadText}.`,
    `${headerText}..${signatureText}`,
    `${headerText}.${payloadText}.${signatureText}=`,
    `${headerText}=.${payloadText}.${signatureText}`,
    `${headerText}.${payloadText}.${signatureText}\u0000`,
    `${headerText}.${payloadText}.ключ`,
    `${headerText}.${payloadText}.${'+'.repeat(86)}`,
    'ключ.ключ.ключ',
    'a'.repeat(100_000),
    `${'a'.repeat(50_000)}.${'a'.repeat(50_000)}.a`,
    '.'.repeat(100_000),
  ])('refuses %j (A06, A07)', (token) => {
    expect(readUnverified(token)).toBeNull()
  })

  test.each([
    ['a header that is not JSON', `${segment('{')}.${payloadText}.${signatureText}`],
    ['a header that is a list', `${segment([goodHeader])}.${payloadText}.${signatureText}`],
    ['a header that is null', `${segment('null')}.${payloadText}.${signatureText}`],
    ['a payload that is a number', `${headerText}.${segment('1')}.${signatureText}`],
    ['a payload that is not UTF-8', `${headerText}.gICA.${signatureText}`],
    [
      'a payload with a byte order mark',
      `${headerText}.${segment(`\uFEFF${JSON.stringify(claims)}`)}.${signatureText}`,
    ],
    ['a payload without sid', `${headerText}.${segment({ ...claims, sid: undefined })}.${signatureText}`],
    ['a sid that is no UUID', `${headerText}.${segment({ ...claims, sid: "' OR 1=1--" })}.${signatureText}`],
    ['a sid in a list', `${headerText}.${segment({ ...claims, sid: [claims.sid] })}.${signatureText}`],
    [
      'a sid in __proto__',
      `${headerText}.${segment(`{"__proto__":{"sid":"${claims.sid}"}}`)}.${signatureText}`,
    ],
  ])('refuses %s', (_, token) => {
    expect(readUnverified(token)).toBeNull()
  })

  test('refuses a payload with a byte that is not UTF-8, even inside a claim that no one reads', () => {
    const json = utf8(JSON.stringify({ ...claims, note: '?' }))
    const payload = toBase64Url(json.map((byte) => (byte === '?'.charCodeAt(0) ? 0xff : byte)))
    expect(readUnverified(`${headerText}.${toBase64Url(json)}.${signatureText}`)).not.toBeNull()
    expect(readUnverified(`${headerText}.${payload}.${signatureText}`)).toBeNull()
  })

  test('refuses a second spelling of the same signature', () => {
    // 86 characters carry 516 bits: without a check, the last one has 16 spellings.
    const respelled = `${goodToken.slice(0, -1)}${goodToken.endsWith('A') ? 'B' : nextLetter(goodToken)}`
    expect(readUnverified(respelled)).toBeNull()
  })

  test('accounts 10: reads a token of 16,384 characters and refuses one of 16,385', () => {
    const padTo = (length: number) => {
      const start = `${headerText}.${payloadText}.`
      return `${start}${'A'.repeat(length - start.length)}`
    }
    const fits = [16_384, 16_383, 16_382].map(padTo).find((token) => readUnverified(token) !== null)
    expect(fits).toBeDefined()
    for (const length of [16_385, 16_386, 16_387, 16_388]) expect(readUnverified(padTo(length))).toBeNull()
  })

  test('never throws, and never returns anything but a kid and a sid of their forms', () => {
    const json = fc.oneof(fc.json(), fc.string({ unit: 'binary' })).map(segment)
    const nearToken = fc
      .tuple(
        fc.oneof(json, fc.constant(headerText)),
        fc.oneof(json, fc.constant(payloadText)),
        fc.base64String(),
      )
      .map((segments) => segments.join('.'))
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), nearToken), (token) => {
        const read = readUnverified(token)
        if (read) expect(read).toEqual({ kid: edKey.kid, sid: claims.sid })
      }),
      { numRuns: 500 },
    )
  })
})

describe('verifyAccessToken', () => {
  test('never throws and never accepts, whatever is sent in place of a token', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string({ unit: 'binary' }), fc.json().map(segment)), async (text) => {
        for (const token of [
          text,
          `${headerText}.${text}.${signatureText}`,
          `${text}.${payloadText}.${signatureText}`,
        ])
          expect(await verify(token)).toBeNull()
      }),
    )
    expect(await verify(goodToken)).toEqual(accessClaims)
  })
})

/** jose asks for HMAC keys as long as the hash; HMAC itself pads a key with zeros, so this is the same key. */
function longEnough(secret: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.max(64, secret.length))
  padded.set(secret)
  return padded
}

/** A character that differs from the last one in the spare bits only. */
function nextLetter(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return alphabet[alphabet.indexOf(token.slice(-1)) + 1] ?? 'B'
}
