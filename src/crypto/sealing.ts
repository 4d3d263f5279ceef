/**
 * Sealing: text that only we can read and that only fits where it was made, for secrets in rows and in cookies.
 * It trusts the keyring; it refuses, by null, whatever was changed, or made for another purpose or another place.
 */
import { fromBase64Url, toBase64Url } from './base64.ts'
import { deriveKey, isKeyId, type Keyring } from './keyring.ts'

const nonceLength = 12
const tagBits = 128

/**
 * Encrypts `plaintext` (AES-256-GCM, SP 800-38D) under the newest key of `purpose`, as
 * `<key id>.<base64url nonce>.<base64url ciphertext and tag>`. `context` says where the text belongs (a row's id):
 * it is authenticated, not stored, and needed to open. The nonce is 96 random bits, good for 2^32 seals per key.
 */
export async function seal(
  keyring: Keyring,
  purpose: string,
  plaintext: Uint8Array,
  context: string,
  random: (length: number) => Uint8Array,
): Promise<string> {
  const { keyId, key } = await deriveKey(keyring, purpose)
  return `${keyId}.${await sealUnder(key, plaintext, [purpose, context], random)}`
}

/**
 * Encrypts `plaintext` (AES-256-GCM) under `key`, 32 bytes, as `<base64url nonce>.<base64url ciphertext and tag>`: for
 * keys that are rows of their own. `belongs` says where the text belongs: authenticated, not stored, needed to open.
 */
export async function sealUnder(
  key: Uint8Array,
  plaintext: Uint8Array,
  belongs: readonly string[],
  random: (length: number) => Uint8Array,
): Promise<string> {
  const nonce = random(nonceLength)
  // A short nonce would be accepted by AES-GCM, and would repeat.
  if (nonce.length !== nonceLength) throw new RangeError(`a nonce is ${nonceLength} bytes`)
  const aesKey = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt'])
  const sealed = await crypto.subtle.encrypt(gcm(nonce, belongs), aesKey, plaintext)
  return `${toBase64Url(nonce)}.${toBase64Url(new Uint8Array(sealed))}`
}

/**
 * What `seal` was given, or null when `sealed` is malformed, changed, or of another purpose or context.
 * Throws `UnknownKeyError` when it names a key that the ring does not hold; where the text comes from a client
 * (a cookie), that is the client's doing, and the caller must treat it as null.
 */
export async function open(
  keyring: Keyring,
  purpose: string,
  sealed: string,
  context: string,
): Promise<Uint8Array | null> {
  const separator = sealed.indexOf('.')
  const keyId = sealed.slice(0, Math.max(0, separator))
  // Read before the key is asked for: what is no sealed text names no key.
  if (!isKeyId(keyId) || !parseSealed(sealed.slice(separator + 1))) return null
  const { key } = await deriveKey(keyring, purpose, keyId)
  return openUnder(key, sealed.slice(separator + 1), [purpose, context])
}

/** What `sealUnder` was given, or null when `sealed` is malformed, changed, or belongs elsewhere. */
export async function openUnder(
  key: Uint8Array,
  sealed: string,
  belongs: readonly string[],
): Promise<Uint8Array | null> {
  const parts = parseSealed(sealed)
  if (!parts) return null
  const aesKey = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['decrypt'])
  try {
    const plaintext = await crypto.subtle.decrypt(gcm(parts.nonce, belongs), aesKey, parts.ciphertext)
    return new Uint8Array(plaintext)
  } catch (error) {
    // WebCrypto's only word for "the tag does not match"; anything else is a fault.
    if (error instanceof DOMException && error.name === 'OperationError') return null
    throw error
  }
}

type SealedParts = { nonce: Uint8Array; ciphertext: Uint8Array }

function parseSealed(sealed: string): SealedParts | null {
  const [nonceText, ciphertextText, ...rest] = sealed.split('.', 3)
  if (nonceText === undefined || ciphertextText === undefined || rest.length > 0) return null
  const nonce = fromBase64Url(nonceText)
  const ciphertext = fromBase64Url(ciphertextText)
  return nonce?.length === nonceLength && ciphertext ? { nonce, ciphertext } : null
}

function gcm(nonce: Uint8Array, belongs: readonly string[]) {
  // JSON keeps the borders: no list can be read as another.
  const additionalData = new TextEncoder().encode(JSON.stringify(belongs))
  return { name: 'AES-GCM', iv: nonce, additionalData, tagLength: tagBits }
}
