/** Entries of a keyring, as `AUTH_KEYS` and `SIGNING_SEAL_KEYS` are made of. */

/** One entry of a keyring: an id and 32 random bytes. */
export function newKeyringEntry(id: string): string {
  return `${id}:${Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64')}`
}
