/**
 * Signing keys as their rows hold them: sealed under SIGNING_SEAL_KEYS. What that does not open is named, and is never an
 * exception.
 */
import type { Context } from '../context.ts'
import { cryptoFault, isCryptoFault } from '../crypto/fault.ts'
import { isUnknownKeyError, type Keyring } from '../crypto/keyring.ts'
import { open, seal } from '../crypto/sealing.ts'
import type { SigningKey } from '../crypto/signing.ts'

const PURPOSE = 'seal:signing-key'

/** A key that SIGNING_SEAL_KEYS does not open, under which of its ids it was sealed, and why not. */
export type UnopenableKey = { kid: string; keyId: string; reason: string }

export async function openSigningKeyRow(
  { settings }: Pick<Context, 'settings'>,
  { kid, sealedPrivateJwk }: { kid: string; sealedPrivateJwk: string },
): Promise<SigningKey | UnopenableKey> {
  try {
    return await openSigningKey(settings.signingSealKeys, sealedPrivateJwk, kid)
  } catch (error) {
    const [keyId = ''] = sealedPrivateJwk.slice(0, 17).split('.')
    if (isUnknownKeyError(error))
      return { kid, keyId, reason: `SIGNING_SEAL_KEYS has no key called ${keyId}, which sealed it` }
    if (!isCryptoFault(error, 'unreadable_signing_key')) throw error
    return {
      kid,
      keyId,
      reason: `${keyId} in SIGNING_SEAL_KEYS is not the key that sealed it, or the row was changed`,
    }
  }
}

/** The key as the database holds it: sealed under SIGNING_SEAL_KEYS, and only openable as the key called `kid`. */
export async function sealSigningKey(
  sealKeyring: Keyring,
  key: SigningKey,
  random: (length: number) => Uint8Array,
): Promise<string> {
  const { kid, algorithm, privateJwk } = key
  const plaintext = new TextEncoder().encode(JSON.stringify({ algorithm, privateJwk }))
  return seal(sealKeyring, PURPOSE, plaintext, kid, random)
}

/**
 * The sealed key called `kid`. Throws `UnknownKeyError` when its seal key is missing, and `unreadable_signing_key`
 * when it does not open: the row was changed, or belongs to another `kid`.
 */
export async function openSigningKey(sealKeyring: Keyring, sealed: string, kid: string): Promise<SigningKey> {
  const plaintext = await open(sealKeyring, PURPOSE, sealed, kid)
  if (!plaintext) throw cryptoFault('unreadable_signing_key', `the signing key ${kid} does not open`)
  // Authenticated: only `sealSigningKey` wrote it.
  const { algorithm, privateJwk } = JSON.parse(new TextDecoder().decode(plaintext)) as Omit<SigningKey, 'kid'>
  return { kid, algorithm, privateJwk }
}
