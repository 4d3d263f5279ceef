/**
 * A password hash that no longer needs the root key it was made under: its PHC string, with the pepper derived from that
 * key, sealed under a newer one. Its pepper is Argon2's own secret, so nothing else moves it without its owner, who turns
 * it into the ordinary form at the next sign-in.
 */
import { fromBase64Url, toBase64Url } from '../crypto/base64.ts'
import { cryptoFault } from '../crypto/fault.ts'
import { NO_PEPPER } from '../crypto/foreign-hash.ts'
import { deriveKey, type Keyring } from '../crypto/keyring.ts'
import type { PasswordHash } from '../crypto/phc.ts'
import { open, seal } from '../crypto/sealing.ts'

/** Whether a stored hash has the sealed form; every PHC string begins with `$`, and no sealed text does. */
export const isSealedHash = ({ phc, keyId }: PasswordHash): boolean =>
  keyId !== NO_PEPPER && !phc.startsWith('$')

/**
 * What verifying takes, of either form. Throws `UnknownKeyError`, or `malformed_password_hash` where the sealed form was
 * changed or belongs to another account.
 * @param userId the account, which the sealed form is bound to
 */
export async function openHash(
  keyring: Keyring,
  stored: PasswordHash,
  userId: string,
): Promise<{ phc: string; pepper: Uint8Array }> {
  if (!isSealedHash(stored)) {
    const { key } = await deriveKey(keyring, 'password-pepper', stored.keyId)
    return { phc: stored.phc, pepper: key }
  }
  const opened = await open(keyring, 'seal:password', stored.phc, userId)
  const content = opened && JSON.parse(new TextDecoder().decode(opened)) // only `sealHash` writes these
  const pepper = content && fromBase64Url(content.pepper)
  if (!pepper) throw cryptoFault('malformed_password_hash', 'a sealed password hash does not open')
  return { phc: content.phc, pepper }
}

/** The same hash, sealed under the ring's newest key; of either form. Throws as `openHash`. */
export async function sealHash(
  keyring: Keyring,
  stored: PasswordHash,
  userId: string,
  random: (length: number) => Uint8Array,
): Promise<PasswordHash> {
  const { phc, pepper } = await openHash(keyring, stored, userId)
  const content = new TextEncoder().encode(JSON.stringify({ phc, pepper: toBase64Url(pepper) }))
  return {
    phc: await seal(keyring, 'seal:password', content, userId, random),
    keyId: keyring[0].keyId,
  }
}
