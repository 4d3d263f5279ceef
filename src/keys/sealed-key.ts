/** Opening the row of a signing key: what SIGNING_SEAL_KEYS does not open is named, and is never an exception. */
import type { Context } from '../context.ts'
import { isCryptoFault } from '../crypto/fault.ts'
import { isUnknownKeyError } from '../crypto/keyring.ts'
import { openSigningKey, type SigningKey } from '../crypto/signing.ts'

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
