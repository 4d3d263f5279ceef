/**
 * One-time tokens: what a mailed link carries. A token is an HMAC of its purpose and its row's id, so who holds the
 * key can write it into a mail later and no table, queue or log has to hold it; we store only its hash. It decides the
 * exact form of a token and refuses every other; whether one is alive is for the database to say.
 */
import { toBase64Url } from '../crypto/base64.ts'
import { hmacSha256 } from '../crypto/hmac.ts'
import { deriveAll, deriveKey, type Keyring } from '../crypto/keyring.ts'
import type { OneTimePurpose } from './purposes.ts'

declare const brand: unique symbol

/** `lko_` and the base64url of 32 bytes (43 characters): the secret itself. Never stored, never logged. */
export type OneTimeToken = string & { readonly [brand]: 'OneTimeToken' }

/** SHA-256 of a token, 32 bytes: what the database holds. A token has 256 bits, so no key is needed to keep it from being guessed. */
export type OneTimeTokenHash = Uint8Array & { readonly [brand]: 'OneTimeTokenHash' }

/** Six decimal digits: what a person types. */
export type SignInCode = string & { readonly [brand]: 'SignInCode' }

const tokenPattern = /^lko_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/
const codePattern = /^[0-9]{6}$/

/**
 * The token of the row `id`: always the same one.
 * @param keyId of the row; the newest key when the row is being made
 * Throws `UnknownKeyError` when the ring holds no such key.
 */
export async function oneTimeToken(
  keyring: Keyring,
  purpose: OneTimePurpose,
  id: string,
  keyId?: string,
): Promise<OneTimeToken> {
  const { key } = await deriveKey(keyring, 'one-time', keyId)
  return `lko_${toBase64Url(await hmacSha256(key, `${purpose}\0${id}`))}` as OneTimeToken
}

/** The token, or null when `text` is not exactly one. Says nothing about whether it was ever issued. */
export function parseOneTimeToken(text: string): OneTimeToken | null {
  return tokenPattern.test(text) ? (text as OneTimeToken) : null
}

export async function hashOneTimeToken(token: OneTimeToken): Promise<OneTimeTokenHash> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))
  return new Uint8Array(digest) as OneTimeTokenHash // the only place that makes one
}

/** The code that belongs to the row `id` of a sign-in; 64 bits of the HMAC, so that every code is as likely (to 2^-44). */
export async function signInCode(keyring: Keyring, id: string, keyId?: string): Promise<SignInCode> {
  return codeOf(keyring, `sign_in code\0${id}`, keyId)
}

/**
 * The code that is mailed for a second step. It is not stored: it is derived again from the row of the challenge and from the
 * address, so that it is another code after the account's address changes.
 */
export const secondFactorCode = (
  keyring: Keyring,
  { id, keyId, email }: { id: string; keyId: string; email: string },
): Promise<SignInCode> => codeOf(keyring, `second_factor code\0${id}\0${email}`, keyId)

async function codeOf(keyring: Keyring, text: string, keyId?: string): Promise<SignInCode> {
  const { key } = await deriveKey(keyring, 'one-time', keyId)
  const digest = await hmacSha256(key, text)
  const value = new DataView(digest.buffer).getBigUint64(0) % 1_000_000n
  return value.toString().padStart(6, '0') as SignInCode
}

/** The code without what people type between its digits, or null when it is none. */
export function parseSignInCode(text: string): SignInCode | null {
  const digits = text.replace(/[ -]/g, '')
  return codePattern.test(digits) ? (digits as SignInCode) : null
}

/**
 * What is stored of a code: an HMAC, because a million codes are tried in no time. It names the address and not the row,
 * so that one statement can look for it.
 */
export async function hashSignInCode(keyring: Keyring, email: string, code: SignInCode): Promise<Uint8Array> {
  const { key } = await deriveKey(keyring, 'one-time')
  return hmacSha256(key, codeText(email, code))
}

/** The hashes that a stored row may have, one per key of the ring, newest first. */
export async function signInCodeHashes(
  keyring: Keyring,
  email: string,
  code: SignInCode,
): Promise<Uint8Array[]> {
  const keys = await deriveAll(keyring, 'one-time')
  return Promise.all(keys.map(({ key }) => hmacSha256(key, codeText(email, code))))
}

const codeText = (email: string, code: SignInCode) => `sign_in code of\0${email}\0${code}`
