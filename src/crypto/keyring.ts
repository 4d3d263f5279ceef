/**
 * The keyring: our root keys, newest first, and the keys derived from them, one per purpose, so that what is made
 * for one purpose is garbage for another. A purpose is named by the folder that derives for it, and by no other: the
 * architecture test holds that. It trusts only the text of the setting, and refuses to start on a bad one.
 */
import { fromBase64Url } from './base64.ts'
import { type CryptoFault, cryptoFault, isCryptoFault } from './fault.ts'

/**
 * One root key, and what was derived from it so far, which lives as long as the ring does. Bytes sit behind functions, so
 * that logging or serialising a keyring shows none of them.
 */
export type RootKey = {
  readonly keyId: string
  readonly rootKeyBytes: () => Uint8Array
  readonly derivedKeys: () => Map<string, Uint8Array>
}

/** Root keys, newest first: the first makes new things, all of them read old ones. */
export type Keyring = readonly [RootKey, ...RootKey[]]

/** A 32-byte key for one purpose, with the id to store beside whatever it makes. */
export type DerivedKey = { readonly keyId: string; readonly key: Uint8Array }

/** Thrown when something stored names a key that is not in the ring: a fault of ours, never "wrong password". */
export type UnknownKeyError = CryptoFault<'unknown_key'>

export const isUnknownKeyError = (error: unknown): error is UnknownKeyError =>
  isCryptoFault(error, 'unknown_key')

const rootKeyLength = 32
const keyIdPattern = /^[A-Za-z0-9_-]{1,16}$/

/** Whether `text` has the form of a key id: 1 to 16 letters, digits, `_` or `-`. */
export function isKeyId(text: string): boolean {
  return keyIdPattern.test(text)
}

/**
 * Reads `k2:<base64 of 32 bytes>,k1:…`, newest first; base64 may be standard or url-safe, padded or not.
 * Throws `malformed_keyring`, which names the entry and what is wrong with it and never echoes key material.
 */
export function parseKeyring(text: string): Keyring {
  const [newest, ...older] = text.split(',').map((entry, index) => parseEntry(entry.trim(), index + 1))
  if (!newest) throw cryptoFault('malformed_keyring', 'the keyring is empty')
  const keyring: Keyring = [newest, ...older]
  refuseDuplicates(keyring)
  return keyring
}

function parseEntry(entry: string, position: number): RootKey {
  const refuse = (what: string) => cryptoFault('malformed_keyring', `keyring entry ${position} ${what}`)
  if (entry === '') throw refuse('is empty')
  const separator = entry.indexOf(':')
  if (separator === -1) throw refuse('has no ":" between key id and key')
  const keyId = entry.slice(0, separator)
  // A bad id is not echoed either: when id and key were swapped, it is the key.
  if (!isKeyId(keyId)) throw refuse('has a key id that is not 1 to 16 characters of A-Z a-z 0-9 _ -')
  const rootKey = decodeRootKey(entry.slice(separator + 1))
  if (!rootKey) throw refuse('has a key that is not base64')
  if (rootKey.length !== rootKeyLength)
    throw refuse(`has a key of ${rootKey.length} bytes where ${rootKeyLength} are needed`)
  const derived = new Map<string, Uint8Array>()
  return { keyId, rootKeyBytes: () => rootKey, derivedKeys: () => derived }
}

function decodeRootKey(text: string): Uint8Array | null {
  return fromBase64Url(
    text
      .replace(/={0,2}$/, '')
      .replaceAll('+', '-')
      .replaceAll('/', '_'),
  )
}

function refuseDuplicates(keyring: Keyring): void {
  if (keyring.length === 1) return
  const keyIds = new Set(keyring.map(({ keyId }) => keyId))
  if (keyIds.size !== keyring.length)
    throw cryptoFault('malformed_keyring', 'the keyring has one key id twice')
  // The same key under a new id is a rotation that did not happen.
  const keys = new Set(keyring.map(({ rootKeyBytes }) => rootKeyBytes().join()))
  if (keys.size !== keyring.length)
    throw cryptoFault('malformed_keyring', 'the keyring has one key under two key ids')
}

/** The position, from 1, of the first key of `keyring` whose bytes `other` has too, under whatever id; or null. */
export function findSharedKey(keyring: Keyring, other: Keyring): number | null {
  const taken = new Set(other.map(({ rootKeyBytes }) => rootKeyBytes().join()))
  const index = keyring.findIndex(({ rootKeyBytes }) => taken.has(rootKeyBytes().join()))
  return index === -1 ? null : index + 1
}

/**
 * The key for `purpose`: of the newest root key, or of the one called `keyId`.
 * Throws `UnknownKeyError` when the ring holds no such key.
 */
export async function deriveKey(keyring: Keyring, purpose: string, keyId?: string): Promise<DerivedKey> {
  const rootKey = keyId === undefined ? keyring[0] : keyring.find((candidate) => candidate.keyId === keyId)
  if (!rootKey)
    throw cryptoFault('unknown_key', `the keyring holds no key called ${JSON.stringify(keyId?.slice(0, 16))}`)
  return deriveFrom(rootKey, purpose)
}

/** The keys for `purpose` of every root key, newest first: for finding what an older key made. */
export async function deriveAll(keyring: Keyring, purpose: string): Promise<DerivedKey[]> {
  return Promise.all(keyring.map((rootKey) => deriveFrom(rootKey, purpose)))
}

/** More than there are purposes; one that names a host is any caller's to make up, and must not fill memory. */
const MOST_DERIVED = 64

/** Keeps bytes, not promises: one request must not wait for another's, whose client may be gone. */
async function deriveFrom(root: RootKey, purpose: string): Promise<DerivedKey> {
  const derived = root.derivedKeys()
  const key = derived.get(purpose) ?? (await hkdf(root, purpose))
  if (derived.size < MOST_DERIVED) derived.set(purpose, key)
  // A copy, so that a caller that wipes it wipes no other.
  return { keyId: root.keyId, key: key.slice() }
}

/** HKDF-SHA-256 (RFC 5869). No salt: the root key is uniformly random already; `info` is the purpose. */
async function hkdf({ rootKeyBytes }: RootKey, purpose: string): Promise<Uint8Array> {
  const rootKey = await crypto.subtle.importKey('raw', rootKeyBytes(), 'HKDF', false, ['deriveBits'])
  const info = new TextEncoder().encode(purpose)
  const algorithm = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info }
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, rootKey, 256))
}
