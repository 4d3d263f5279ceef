/**
 * `lkm_…`: what a person holds between the first factor and the second. It opens nothing but the second factor's own
 * operations; only its SHA-256 is stored, which is enough for 256 random bits that live for five minutes.
 */
import { toBase64Url } from '../crypto/base64.ts'

declare const brand: unique symbol

/** `lkm_` and the base64url of 32 bytes (43 characters). Never stored, never logged. */
export type MfaToken = string & { readonly [brand]: 'MfaToken' }
export type MfaTokenHash = Uint8Array & { readonly [brand]: 'MfaTokenHash' }

const TOKEN_BYTES = 32
const PATTERN = /^lkm_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/

export const newMfaToken = (random: (bytes: number) => Uint8Array): MfaToken =>
  `lkm_${toBase64Url(random(TOKEN_BYTES))}` as MfaToken // 32 bytes are the 43 characters of the pattern

/** The token, or null when `text` is not exactly one. Says nothing about whether it was ever issued. */
export const parseMfaToken = (text: string): MfaToken | null =>
  PATTERN.test(text) ? (text as MfaToken) : null

export async function hashMfaToken(token: MfaToken): Promise<MfaTokenHash> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))
  return new Uint8Array(digest) as MfaTokenHash // the only place that makes one
}
