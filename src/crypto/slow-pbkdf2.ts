/**
 * PBKDF2 (RFC 8018 §5.2) for more iterations than the platform's own takes. It lets other requests go on between slices of
 * some 50 ms: a library pauses by the clock, which does not advance on Workers while a request computes.
 */
import { hmac } from '@noble/hashes/hmac.js'
import { sha1 } from '@noble/hashes/legacy.js'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import type { Digest } from './foreign-hash-kinds.ts'

const HASHES = { 'SHA-1': sha1, 'SHA-256': sha256, 'SHA-512': sha512 }

const SLICE = 20_000
/** Long enough for the loop to come to rest, which the next hash in line waits for (hash-line.ts). */
const PAUSE_MS = 5

/** The first block of the derived key: as many bytes as the digest has. */
export async function deriveFirstBlock(
  digest: Digest,
  password: Uint8Array,
  salt: Uint8Array,
  iterations: number,
): Promise<Uint8Array> {
  const keyed = hmac.create(HASHES[digest], password)
  const worker = keyed.clone()
  const last = new Uint8Array(keyed.outputLen)
  worker
    .update(salt)
    .update(Uint8Array.of(0, 0, 0, 1))
    .digestInto(last)
  const block = last.slice()
  for (let done = 1; done < iterations; done++) {
    if (done % SLICE === 0) await scheduler.wait(PAUSE_MS)
    keyed._cloneInto(worker).update(last).digestInto(last)
    for (let index = 0; index < block.length; index++) block[index] = (block[index] ?? 0) ^ (last[index] ?? 0)
  }
  return block
}
