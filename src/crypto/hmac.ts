/**
 * HMAC-SHA-256 and the comparison of secrets. Keys come from the keyring, one per purpose; nothing here checks
 * which purpose a key was made for.
 */

/** HMAC-SHA-256 (RFC 2104) of `message` (text is taken as UTF-8): 32 bytes. */
export async function hmacSha256(key: Uint8Array, message: string | Uint8Array): Promise<Uint8Array> {
  const hmacKey = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
  ])
  const bytes = typeof message === 'string' ? new TextEncoder().encode(message) : message
  return new Uint8Array(await crypto.subtle.sign('HMAC', hmacKey, bytes))
}

/** Whether two byte strings are equal, in a time that depends on their length alone. */
export function equalInConstantTime(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false
  let difference = 0
  // Every byte is looked at, whatever the earlier ones were; `?? 0` is for the types, the lengths are equal.
  for (const [index, byte] of left.entries()) difference |= byte ^ (right[index] ?? 0)
  return difference === 0
}
