/**
 * Refresh tokens: random text the client holds, of which we store only a keyed hash. It decides the exact form of a
 * token and refuses every other; whether a token is alive is for the database to say.
 */
import { toBase64Url } from '../crypto/base64.ts'
import { hmacSha256 } from '../crypto/hmac.ts'
import { type DerivedKey, deriveAll, deriveKey, type Keyring } from '../crypto/keyring.ts'

declare const brand: unique symbol

/** `lkr_` and the base64url of 32 bytes (43 characters): the secret itself. Never stored, never logged. */
export type RefreshToken = string & { readonly [brand]: 'RefreshToken' }

/** HMAC-SHA-256 of a token, 32 bytes: what the database holds. */
export type TokenHash = Uint8Array & { readonly [brand]: 'TokenHash' }

/** A token's hash and the id of the key that made it; both are stored. */
export type KeyedTokenHash = { readonly keyId: string; readonly hash: TokenHash }

const tokenBytes = 32
// 43 characters carry 258 bits: the last one may hold only the values whose two spare bits are zero, else one token
// would have four spellings.
const refreshTokenPattern = /^lkr_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/

/** A new token of 256 random bits. */
export function newRefreshToken(random: (length: number) => Uint8Array): RefreshToken {
  return formatToken(random(tokenBytes))
}

/** The token, or null when `text` is not exactly one. Says nothing about whether it was ever issued. */
export function parseRefreshToken(text: string): RefreshToken | null {
  // The pattern is what the brand means.
  return refreshTokenPattern.test(text) ? (text as RefreshToken) : null
}

/** The hash to store with a new token: under the newest key. */
export async function hashRefreshToken(keyring: Keyring, token: RefreshToken): Promise<KeyedTokenHash> {
  return hashUnder(await deriveKey(keyring, 'refresh-hash'), token)
}

/** The hashes a stored row may have, one per key of the ring, newest first: for look-up. */
export async function refreshTokenHashes(keyring: Keyring, token: RefreshToken): Promise<KeyedTokenHash[]> {
  const keys = await deriveAll(keyring, 'refresh-hash')
  return Promise.all(keys.map((derived) => hashUnder(derived, token)))
}

/**
 * The one token that may follow `token` (RFC 9700 §4.14.2): the same answer each time, so that a repeated request
 * can be answered again without a secret being stored. The answer depends on `keyId`: take it from a stored row, not
 * from "the newest", which may have changed in between.
 * Throws `UnknownKeyError` when the ring holds no such key.
 */
export async function successorOf(
  keyring: Keyring,
  token: RefreshToken,
  keyId: string,
): Promise<RefreshToken> {
  const { key } = await deriveKey(keyring, 'refresh-successor', keyId)
  return formatToken(await hmacSha256(key, token))
}

async function hashUnder({ keyId, key }: DerivedKey, token: RefreshToken): Promise<KeyedTokenHash> {
  // This is the only place that makes a TokenHash.
  return { keyId, hash: (await hmacSha256(key, token)) as TokenHash }
}

function formatToken(bytes: Uint8Array): RefreshToken {
  if (bytes.length !== tokenBytes) throw new RangeError(`a refresh token is made of ${tokenBytes} bytes`)
  // 32 bytes in base64url are the 43 characters of the pattern.
  return `lkr_${toBase64Url(bytes)}` as RefreshToken
}
