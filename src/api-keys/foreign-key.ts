/** An API key of another system as an import describes it: by its hash, alone or with the account whose it is. */
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { fromBase64 } from '../crypto/base64.ts'
import { newId } from '../events/outbox.ts'
import { DisplayName, Instant, text } from '../http/input.ts'
import { Scope } from './api-key-answer.ts'

/** Of the whole key, with its prefix: 64 hexadecimal digits, or base64 or base64url of the 32 bytes. */
const Hash = v.pipe(
  text(80),
  v.transform(hexOf),
  v.check((hex) => hex !== '', 'malformed_hash'),
)

function hexOf(hash: string): string {
  if (/^[0-9a-f]{64}$/i.test(hash)) return hash.toLowerCase()
  const bytes = fromBase64(hash.replace(/=$/, '').replaceAll('-', '+').replaceAll('_', '/'))
  if (bytes?.length !== 32) return ''
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** What a secret of `npm run api-keys` may be called. */
export const SecretName = v.pipe(text(64), v.regex(/^[a-z0-9][a-z0-9-]*$/, 'invalid_id'))

/** One of the two hashes: see `isHashedOnce`. */
export const FOREIGN_KEY = {
  sha256: v.optional(Hash),
  /** By the name of the HMAC's key. */
  hmac_sha256: v.optional(v.strictObject({ key: SecretName, hash: Hash })),
  name: DisplayName,
  scopes: v.pipe(v.array(Scope), v.minLength(1, 'too_short'), v.maxLength(100, 'too_many')),
  expires_at: v.optional(Instant),
}

type Said = v.InferOutput<v.ObjectSchema<typeof FOREIGN_KEY, undefined>>

export const isHashedOnce = ({ sha256, hmac_sha256: hmac }: Said): boolean =>
  (sha256 === undefined) !== (hmac === undefined)

/** What is stored of it. */
export type ImportedKey = {
  id: string
  eventId: string
  name: string
  scopes: string[]
  /** In hexadecimal digits: of the key's SHA-256, or of its HMAC under the secret `hmacKey`. */
  hash: string
  hmacKey: string | null
  expiresAt: string | null
}

export const readForeignKey = (ctx: Pick<Context, 'now' | 'random'>, said: Said): ImportedKey => ({
  id: newId(ctx),
  eventId: newId(ctx),
  name: said.name,
  scopes: [...new Set(said.scopes)],
  hash: said.sha256 ?? said.hmac_sha256?.hash ?? '',
  hmacKey: said.hmac_sha256?.key ?? null,
  expiresAt: said.expires_at ?? null,
})
