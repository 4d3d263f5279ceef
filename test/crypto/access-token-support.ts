/** What the signing tests share: two keys, a good claim set, and a signer that writes whatever it is told. */
import { importJWK } from 'jose'
import { toBase64Url } from '../../src/crypto/base64.ts'
import {
  generateSigningKey,
  type NewSigningKey,
  type SigningAlgorithm,
  verifyAccessToken,
} from '../../src/crypto/signing.ts'
import { utf8 } from '../support/bytes-and-keys.ts'

export const now = new Date('2026-11-21T12:00:00Z')
export const nowSeconds = now.getTime() / 1000
export const issuer = 'https://auth.example.com'
export const audience = 'https://api.example.com'
export const algorithms: SigningAlgorithm[] = ['EdDSA', 'ES256']

export const claims = {
  iss: issuer,
  aud: audience,
  sub: '019370e0-0000-7000-8000-000000000001',
  sid: '019370e0-0000-7000-8000-000000000002',
  tid: '019370e0-0000-7000-8000-000000000003',
  jti: '019370e0-0000-7000-8000-000000000004',
  iat: nowSeconds,
  exp: nowSeconds + 600,
  auth_time: nowSeconds - 60,
  amr: ['pwd', 'otp'],
  roles: ['admin'],
  acr: 'urn:latchkey:aal2',
}

/** The claims that `verifyAccessToken` hands out. */
export const { iss: _iss, aud: _aud, ...accessClaims } = claims

export const edKey: NewSigningKey = await generateSigningKey('EdDSA', now)
export const ecKey: NewSigningKey = await generateSigningKey('ES256', now)
export const keyFor = (algorithm: SigningAlgorithm): NewSigningKey => (algorithm === 'EdDSA' ? edKey : ecKey)

export const segment = (value: unknown): string =>
  toBase64Url(utf8(typeof value === 'string' ? value : JSON.stringify(value)))

export const goodHeader = { alg: 'EdDSA', kid: edKey.kid, typ: 'at+jwt' }

/** A token of the given segments (objects, or JSON as text) with a signature that is right for them. */
export async function signRaw(
  header: unknown,
  payload: unknown,
  key: NewSigningKey = edKey,
): Promise<string> {
  const signingInput = `${segment(header)}.${segment(payload)}`
  const privateKey = await importJWK(key.privateJwk, key.algorithm)
  if (privateKey instanceof Uint8Array) throw new Error('not an asymmetric key')
  const algorithm = key.algorithm === 'EdDSA' ? { name: 'Ed25519' } : { name: 'ECDSA', hash: 'SHA-256' }
  const signature = await crypto.subtle.sign(algorithm, privateKey, utf8(signingInput))
  return `${signingInput}.${toBase64Url(new Uint8Array(signature))}`
}

/** The token with these claims changed (undefined leaves one out), rightly signed. */
export const signClaims = (change: Record<string, unknown>): Promise<string> =>
  signRaw(goodHeader, { ...claims, ...change })

export const verify = (token: string, key: NewSigningKey = edKey) =>
  verifyAccessToken(token, key, { issuer, audience, now })
