/** Tokens that are wrong in one thing and otherwise genuine: signed with the key that the service itself signs with. */
import { createPrivateKey, type JsonWebKey, sign } from 'node:crypto'
import { parseKeyring } from '../../src/crypto/keyring.ts'
import { openSigningKey } from '../../src/keys/sealed-key.ts'
import type { Service } from './service.ts'

export type Forger = {
  /** The key as the JWKS shows it. */
  publicJwk: JsonWebKey & { kid: string; x: string }
  /** A rightly signed token over exactly these (objects, or JSON as text). */
  signRaw(header: unknown, payload: unknown): string
  /** The token with some claims changed (`undefined` leaves one out), rightly signed. */
  withClaims(token: string, change: Record<string, unknown>): string
}

export async function createForger(service: Service): Promise<Forger> {
  const [row] = await service.sql<{
    kid: string
    sealed_private_jwk: string
    public_jwk: Forger['publicJwk']
  }>(`select kid, sealed_private_jwk, public_jwk from signing_keys where state = 'current'`)
  if (!row) throw new Error('the service has no current signing key')
  const keyring = parseKeyring(String(service.bindings.SIGNING_SEAL_KEYS))
  const { privateJwk } = await openSigningKey(keyring, row.sealed_private_jwk, row.kid)
  const key = createPrivateKey({ key: privateJwk as JsonWebKey, format: 'jwk' }) // jose and node name one type twice
  const signRaw = (header: unknown, payload: unknown) => {
    const input = `${segment(header)}.${segment(payload)}`
    const [digest, dsaEncoding] =
      key.asymmetricKeyType === 'ec' ? ['sha256', 'ieee-p1363' as const] : [null, undefined]
    return `${input}.${sign(digest, Buffer.from(input), { key, dsaEncoding }).toString('base64url')}`
  }
  return {
    publicJwk: row.public_jwk,
    signRaw,
    withClaims: (token, change) => signRaw(headerOf(token), { ...claimsOf(token), ...change }),
  }
}

export const segment = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

export const headerOf = (token: string): Record<string, unknown> => partOf(token, 0)
export const claimsOf = (token: string): Record<string, unknown> => partOf(token, 1)

function partOf(token: string, index: number): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString())
}
