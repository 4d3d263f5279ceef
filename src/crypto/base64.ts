/**
 * Base64 and base64url without padding, strict in both directions (RFC 4648 §3.5): one sequence of bytes has one
 * text, so a token or tag cannot be re-spelled and still be accepted. Padding, blanks and stray bits are refused.
 */

/** `bytes` as unpadded standard base64, the form PHC strings use. */
export function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')).replace(/=+$/, '')
}

/** `bytes` as unpadded base64url (RFC 4648 §5), the form JWTs and our tokens use. */
export function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_')
}

/** The bytes of unpadded standard base64, or null when `text` is anything else. */
export function fromBase64(text: string): Uint8Array | null {
  if (!/^[A-Za-z0-9+/]*$/.test(text) || text.length % 4 === 1) return null
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  return toBase64(bytes) === text ? bytes : null
}

/** The bytes of unpadded base64url, or null when `text` is anything else. */
export function fromBase64Url(text: string): Uint8Array | null {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return null
  return fromBase64(text.replaceAll('-', '+').replaceAll('_', '/'))
}
