/**
 * The faults of the crypto folder: what only we, our settings or our stored rows can cause, never a caller.
 * They are thrown, become a 5xx, and carry no secret: neither a key, nor a password, nor a hash.
 */

export type CryptoFaultKind =
  /** A row or blob names a key that the keyring no longer (or not yet) holds. */
  | 'unknown_key'
  /** The text of a keyring setting cannot be used. */
  | 'malformed_keyring'
  /** A stored password hash is not a PHC string that we accept. */
  | 'malformed_password_hash'
  /** A stored signing key cannot be opened or read. */
  | 'unreadable_signing_key'
  /** What a token is to say does not fit into one that would be read. */
  | 'token_too_long'

export type CryptoFault<Kind extends CryptoFaultKind = CryptoFaultKind> = Error & { readonly fault: Kind }

/** A fault ready to throw. `message` goes to the log: name what is wrong, never the value that is wrong. */
export function cryptoFault<Kind extends CryptoFaultKind>(kind: Kind, message: string): CryptoFault<Kind> {
  return Object.assign(new Error(message), { name: 'CryptoFault', fault: kind })
}

/** Whether `error` is the fault `kind`, e.g. `isCryptoFault(error, 'unknown_key')`. */
export function isCryptoFault<Kind extends CryptoFaultKind>(
  error: unknown,
  kind: Kind,
): error is CryptoFault<Kind> {
  return error instanceof Error && 'fault' in error && error.fault === kind
}
