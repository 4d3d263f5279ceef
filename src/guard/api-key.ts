/**
 * The form of an API key: `lk_live_<id>_<secret><checksum>`, with `test` in place of `live` on the local stack. Letters and digits
 * alone, so that a double click selects all of it and secret scanners find it. The checksum tells a key that was cut or
 * mistyped from a real one without a question to the database; it protects nothing.
 */
declare const brand: unique symbol

/** The secret itself, once it has exactly the form of one. Never stored, never logged. */
export type ApiKey = string & { readonly [brand]: 'ApiKey' }

/** SHA-256 of a key, 32 bytes (or another system's HMAC, until it is used): what the database holds. A key has 256 bits, so it needs none of ours to keep it from being guessed. */
export type ApiKeyHash = Uint8Array & { readonly [brand]: 'ApiKeyHash' }

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** 43 characters of 62 are 256 bits. */
const SECRET_LENGTH = 43
const CHECKSUM_LENGTH = 6
const PATTERN = /^lk_(?:live|test)_([0-9a-f]{32})_[0-9A-Za-z]{43}[0-9A-Za-z]{6}$/

/** @param id of its row, a UUID */
export function newApiKey(
  environment: 'production' | 'local',
  id: string,
  random: (length: number) => Uint8Array,
): ApiKey {
  const kind = environment === 'production' ? 'live' : 'test'
  const text = `lk_${kind}_${id.replaceAll('-', '')}_${randomText(random)}`
  return `${text}${checksumOf(text)}` as ApiKey
}

/** Bytes of 248 and more are left out, so that every character is as likely. */
function randomText(random: (length: number) => Uint8Array): string {
  let text = ''
  while (text.length < SECRET_LENGTH)
    for (const byte of random(SECRET_LENGTH))
      if (byte < 248 && text.length < SECRET_LENGTH) text += ALPHABET[byte % 62]
  return text
}

/** @returns the key and the id of its row, or null when `text` is not exactly a key. Says nothing about whether there is one */
export function parseApiKey(text: string): { id: string; key: ApiKey } | null {
  const [, hex] = PATTERN.exec(text) ?? []
  if (hex === undefined || checksumOf(text.slice(0, -CHECKSUM_LENGTH)) !== text.slice(-CHECKSUM_LENGTH))
    return null
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  return { id, key: text as ApiKey }
}

/** A key of another system, which was imported by its hash: anything of a length that no one guesses. */
export type ForeignKey = string & { readonly [brand]: 'ForeignKey' }

/** @returns null for what has the form of ours, whole or not, and for what is too short to be a secret */
export const parseForeignKey = (text: string): ForeignKey | null =>
  /^(?!lk_)[!-~]{20,200}$/i.test(text) ? (text as ForeignKey) : null

export async function hashApiKey(key: ApiKey | ForeignKey): Promise<ApiKeyHash> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key))
  return new Uint8Array(digest) as ApiKeyHash // the only place that makes one
}

/** As another system stored it. @param secret that system's */
export async function hmacForeignKey(key: ForeignKey, secret: Uint8Array): Promise<ApiKeyHash> {
  const usage = { name: 'HMAC', hash: 'SHA-256' }
  const imported = await crypto.subtle.importKey('raw', secret, usage, false, ['sign'])
  const hmac = await crypto.subtle.sign('HMAC', imported, new TextEncoder().encode(key))
  return new Uint8Array(hmac) as ApiKeyHash
}

/** CRC-32 (ISO 3309, as of zip) of ASCII, in base 62. */
function checksumOf(text: string): string {
  let crc = 0xffffffff
  for (let index = 0; index < text.length; index++) {
    crc ^= text.charCodeAt(index)
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  let rest = (crc ^ 0xffffffff) >>> 0
  let digits = ''
  for (let place = 0; place < CHECKSUM_LENGTH; place++) {
    digits = ALPHABET[rest % 62] + digits
    rest = Math.floor(rest / 62)
  }
  return digits
}
