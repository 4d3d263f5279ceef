/** Password hashes as Firebase exports them, turned into a form that says all that verifying one takes. */
import { toBase64 } from './base64.ts'
import { type HashProblem, readForeignHash } from './foreign-hash.ts'
import { fromAnyBase64 } from './foreign-hash-forms.ts'

/** A user's hash as Firebase exports it, with the parameters of the project (`hash_config` in its console). */
export type FirebaseHash = {
  hash: string
  salt: string
  base64_signer_key: string
  base64_salt_separator: string
  rounds: number
  mem_cost: number
}

/**
 * Firebase encrypts the project's signer key with the password's key and calls that the hash. What is stored is the
 * keystream between the two: it verifies as well, and the signer key, which opens every other export of that project,
 * stays behind. @returns the form that `readForeignHash` takes
 */
export function formatFirebaseHash(user: FirebaseHash): string | HashProblem {
  const [hash, signerKey] = [fromAnyBase64(user.hash), fromAnyBase64(user.base64_signer_key)]
  const [salt, separator] = [fromAnyBase64(user.salt), fromAnyBase64(user.base64_salt_separator)]
  if (!hash || !signerKey || !salt || !separator || hash.length !== signerKey.length) return 'malformed_hash'
  const keystream = hash.map((byte, index) => byte ^ (signerKey[index] ?? 0)) // of equal length, as checked
  const salted = toBase64(new Uint8Array([...salt, ...separator]))
  const text = `$firebase-scrypt$ln=${user.mem_cost},r=${user.rounds}$${salted}$${toBase64(keystream)}`
  const read = readForeignHash(text)
  return typeof read === 'string' ? read : text
}

const FIRESCRYPT =
  /^\$firescrypt\$ln=([1-9][0-9]?),r=([1-9][0-9]{0,2}),p=1\$([^$]*)\$([^$]*)\$([^$]*)\$([^$]*)$/

/** Ory's spelling of the same, signer key and all; null for any other text. */
export function readFirescrypt(text: string): FirebaseHash | null {
  const [, memCost, rounds, salt = '', hash = '', separator = '', signerKey = ''] =
    FIRESCRYPT.exec(text) ?? []
  if (!memCost) return null
  const keys = { base64_salt_separator: separator, base64_signer_key: signerKey }
  return { hash, salt, ...keys, rounds: Number(rounds), mem_cost: Number(memCost) }
}
