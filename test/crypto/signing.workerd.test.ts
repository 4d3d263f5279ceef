import { calculateJwkThumbprint, decodeProtectedHeader } from 'jose'
import { describe, expect, test } from 'vitest'
import { isCryptoFault } from '../../src/crypto/fault.ts'
import { isUnknownKeyError } from '../../src/crypto/keyring.ts'
import { seal } from '../../src/crypto/sealing.ts'
import {
  generateSigningKey,
  readUnverified,
  signAccessToken,
  verifyAccessToken,
} from '../../src/crypto/signing.ts'
import { openSigningKey, sealSigningKey } from '../../src/keys/sealed-key.ts'
import { oneKey, onlyNewKey, random, twoKeys, utf8 } from '../support/bytes-and-keys.ts'
import {
  accessClaims,
  algorithms,
  audience,
  claims,
  ecKey,
  edKey,
  goodHeader,
  issuer,
  keyFor,
  now,
  nowSeconds,
  signClaims,
  signRaw,
  verify,
} from './access-token-support.ts'

describe.each(algorithms)('a signing key for %s', (algorithm) => {
  const key = keyFor(algorithm)

  test('publishes alg, use and kid, and no private member (A03)', async () => {
    expect(key.publicJwk).toMatchObject({ alg: algorithm, use: 'sig', kid: key.kid })
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth'])
      expect(key.publicJwk).not.toHaveProperty(member)
    expect(key.privateJwk.d).toBeTypeOf('string')
    expect(key.createdAt).toBe(now)
  })

  test('is called by its RFC 7638 thumbprint, and never made twice', async () => {
    expect(key.kid).toBe(await calculateJwkThumbprint(key.publicJwk))
    expect((await generateSigningKey(algorithm, now)).kid).not.toBe(key.kid)
  })

  test('signs a token with the header alg, kid and typ that its public half verifies', async () => {
    const token = await signAccessToken(key, claims)
    expect(decodeProtectedHeader(token)).toEqual({ alg: algorithm, kid: key.kid, typ: 'at+jwt' })
    expect(readUnverified(token)).toEqual({ kid: key.kid, sid: claims.sid })
    expect(await verify(token, key)).toEqual(accessClaims)
  })

  test('verifies with the public key as a database row gives it back', async () => {
    const publicJwk: typeof key.publicJwk = JSON.parse(JSON.stringify(key.publicJwk))
    const token = await signAccessToken(key, claims)
    expect(await verifyAccessToken(token, { publicJwk, algorithm }, { issuer, audience, now })).toEqual(
      accessClaims,
    )
  })

  test('verifies one token a hundred times alike (A11)', async () => {
    const token = await signAccessToken(key, claims)
    for (let run = 0; run < 100; run++) {
      expect(readUnverified(token)).toEqual({ kid: key.kid, sid: claims.sid })
      expect(await verify(token, key)).toEqual(accessClaims)
    }
  })

  test('is sealed at rest, and signs again when it was opened', async () => {
    const sealed = await sealSigningKey(oneKey, key, random)
    expect(sealed).not.toContain(key.privateJwk.d)
    const opened = await openSigningKey(twoKeys, sealed, key.kid)
    expect(opened).toEqual({ kid: key.kid, algorithm, privateJwk: key.privateJwk })
    expect(await verify(await signAccessToken(opened, claims), key)).toEqual(accessClaims)
  })

  test('does not verify what another key signed under its name', async () => {
    const foreign = await generateSigningKey(algorithm, now)
    expect(await verify(await signAccessToken({ ...foreign, kid: key.kid }, claims), key)).toBeNull()
  })

  test('does not verify a token after any segment was exchanged', async () => {
    const [header, payload, signature] = (await signAccessToken(key, claims)).split('.')
    const other = (await signAccessToken(key, { ...claims, roles: ['owner'] })).split('.')
    expect(await verify(`${header}.${other[1]}.${signature}`, key)).toBeNull()
    expect(await verify(`${header}.${payload}.${other[2]}`, key)).toBeNull()
    expect(await verify(`${header}.${payload}.${'A'.repeat(86)}`, key)).toBeNull()
  })
})

describe('a sealed signing key', () => {
  const isUnreadable = (error: unknown) => isCryptoFault(error, 'unreadable_signing_key')

  test('does not open under the kid of another', async () => {
    const sealed = await sealSigningKey(oneKey, edKey, random)
    await expect(openSigningKey(oneKey, sealed, ecKey.kid)).rejects.toSatisfy(isUnreadable)
  })

  test('that was changed, or sealed for another purpose, is a fault and not a key', async () => {
    const sealed = await sealSigningKey(oneKey, edKey, random)
    await expect(openSigningKey(oneKey, `${sealed}AAAA`, edKey.kid)).rejects.toSatisfy(isUnreadable)
    const plaintext = utf8(JSON.stringify({ algorithm: 'EdDSA', privateJwk: edKey.privateJwk }))
    const forTotp = await seal(oneKey, 'seal:totp', plaintext, edKey.kid, random)
    await expect(openSigningKey(oneKey, forTotp, edKey.kid)).rejects.toSatisfy(isUnreadable)
  })

  test('whose seal key is gone is an UnknownKeyError', async () => {
    const sealed = await sealSigningKey(oneKey, edKey, random)
    await expect(openSigningKey(onlyNewKey, sealed, edKey.kid)).rejects.toSatisfy(isUnknownKeyError)
  })
})

describe('an access token is refused for its claims', () => {
  test.each([
    ['another issuer', { iss: 'https://evil.example' }],
    ['an issuer with a trailing slash', { iss: `${issuer}/` }],
    ['no issuer', { iss: undefined }],
    ['a list of issuers', { iss: [issuer] }],
    ['another audience', { aud: 'https://other.example' }],
    ['an audience with a trailing slash', { aud: `${audience}/` }],
    ['an audience in capitals', { aud: audience.toUpperCase() }],
    ['no audience', { aud: undefined }],
    ['a list of another audience', { aud: ['https://other.example'] }],
    ['a list of ours and another', { aud: [audience, 'https://other.example'] }],
    ['a list of ours alone', { aud: [audience] }],
  ])('%s (A04)', async (_, change) => {
    expect(await verify(await signClaims(change))).toBeNull()
  })

  test.each([
    ['exp as text', { exp: '9999999999' }],
    ['exp beyond all years', { exp: 1e308 }],
    ['exp that is null', { exp: null }],
    ['exp as the text NaN', { exp: 'NaN' }],
    ['no exp', { exp: undefined }],
    ['exp of 1 second ago', { exp: nowSeconds - 1 }],
    ['exp of this second (RFC 7519 section 4.1.4: on or after)', { exp: nowSeconds }],
    ['exp in the future, with a fraction', { exp: nowSeconds + 0.5 }],
    ['nbf in an hour', { nbf: nowSeconds + 3600 }],
    ['nbf beyond the tolerance', { nbf: nowSeconds + 31 }],
    ['nbf as text', { nbf: '0' }],
    ['iat in an hour', { iat: nowSeconds + 3600, exp: nowSeconds + 7200 }],
    ['iat in 61 seconds', { iat: nowSeconds + 61 }],
    ['iat as text', { iat: `${nowSeconds}` }],
    ['no iat', { iat: undefined }],
    ['auth_time as text', { auth_time: `${nowSeconds}` }],
    ['no auth_time', { auth_time: undefined }],
  ])('%s (A05)', async (_, change) => {
    expect(await verify(await signClaims(change))).toBeNull()
  })

  test('exp as a number too large for JSON to hold (A05)', async () => {
    const payload = JSON.stringify(claims).replace(/"exp":\d+/, '"exp":1e999')
    expect(await verify(await signRaw(goodHeader, payload))).toBeNull()
  })

  test.each([
    ['sub', 'admin'],
    ['sub', ''],
    ['sub', 1],
    ['sub', undefined],
    ['tid', "' OR 1=1--"],
    ['tid', undefined],
    ['sid', `${claims.sid}\n`],
    ['jti', ''],
    ['jti', 7],
    ['jti', undefined],
    ['acr', 2],
    ['acr', undefined],
    ['amr', 'pwd'],
    ['amr', [1]],
    ['amr', undefined],
    ['roles', 'admin'],
    ['roles', { 0: 'admin', length: 1 }],
    ['roles', [null]],
    ['roles', undefined],
  ])('%s that is %j', async (name, value) => {
    expect(await verify(await signClaims({ [name]: value }))).toBeNull()
  })

  test('but not for a clock that runs a little behind, nor in its last second', async () => {
    expect(await verify(await signClaims({ nbf: nowSeconds + 29, iat: nowSeconds + 59 }))).not.toBeNull()
    expect(await verify(await signClaims({ exp: nowSeconds + 1 }))).not.toBeNull()
  })

  test('but not for claims that no one asked for, which are left out', async () => {
    expect(await verify(await signClaims({ client_id: 'web', admin: true }))).toEqual(accessClaims)
  })
})

describe('a key that cannot verify', () => {
  test('because it cannot be loaded is thrown: "bad token" would be a lie', async () => {
    const token = await signAccessToken(edKey, claims)
    const publicJwk = { ...edKey.publicJwk, x: 'AAAA' }
    const verifying = verifyAccessToken(token, { publicJwk, algorithm: 'EdDSA' }, { issuer, audience, now })
    await expect(verifying).rejects.toThrow()
  })

  test('because it is the private one is thrown as well', async () => {
    const token = await signAccessToken(edKey, claims)
    const publicJwk = { ...edKey.privateJwk, kid: edKey.kid }
    const verifying = verifyAccessToken(token, { publicJwk, algorithm: 'EdDSA' }, { issuer, audience, now })
    await expect(verifying).rejects.toThrow()
  })
})
