/** What the crypto tests share: bytes in hex, random bytes, and keyrings of no deployment. */
import { type Keyring, parseKeyring } from '../../src/crypto/keyring.ts'

export const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length))

export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

export const fromHex = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A root key of 32 equal bytes, as a keyring setting writes it. */
export const rootKeyText = (fill: number): string =>
  btoa(String.fromCharCode(...new Uint8Array(32).fill(fill)))

export const oneKey: Keyring = parseKeyring(`k1:${rootKeyText(1)}`)
/** `oneKey` after a rotation: k2 is the newest, k1 still reads. */
export const twoKeys: Keyring = parseKeyring(`k2:${rootKeyText(2)},k1:${rootKeyText(1)}`)
/** `twoKeys` after k1 was removed. */
export const onlyNewKey: Keyring = parseKeyring(`k2:${rootKeyText(2)}`)
