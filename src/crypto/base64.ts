/**
 * Base64 and base64url without padding, strict in both directions (RFC 4648 §3.5): one sequence of bytes has one
 * text, so a token or tag cannot be re-spelled and still be accepted. Padding, blanks and stray bits are refused.
 */

/** Whole groups of four, then two or three characters whose last one has no bit that belongs to no byte. */
const UNPADDED = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048])?$/

/** `bytes` as unpadded standard base64, the form PHC strings use. */
export function toBase64(bytes: Uint8Array): string {
  let characters = ''
  for (const byte of bytes) characters += String.fromCharCode(byte)
  return btoa(characters).replace(/=+$/, '')
}

/** `bytes` as unpadded base64url (RFC 4648 §5), the form JWTs and our tokens use. */
export function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_')
}

/** The bytes of unpadded standard base64, or null when `text` is anything else. */
export function fromBase64(text: string): Uint8Array | null {
  if (!UNPADDED.test(text)) return null
  const characters = atob(text)
  const bytes = new Uint8Array(characters.length)
  for (let index = 0; index < bytes.length; index++) bytes[index] = characters.charCodeAt(index)
  return bytes
}

/** The bytes of unpadded base64url, or null when `text` is anything else. */
export function fromBase64Url(text: string): Uint8Array | null {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return null
  return fromBase64(text.replaceAll('-', '+').replaceAll('_', '/'))
}
