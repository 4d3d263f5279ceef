/** Recovery codes: ten of 128 bits, shown once, each used once (NIST SP 800-63B-4 §3.1.2, look-up secrets). */
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { equalInConstantTime } from '../crypto/hmac.ts'
import { open, seal } from '../crypto/sealing.ts'
import { newId } from '../events/outbox.ts'

export const RECOVERY_CODES = 10

/** The codes, once. */
export const RecoveryCodesAnswer = v.strictObject({ recovery_codes: v.array(v.string()) })
const CODE_BYTES = 16

/** Crockford's base 32: no I, L, O or U, so that nothing is read for something else. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const LENGTH = 26
const GROUP = /.{1,5}/g

/** A row of `recovery_codes`. The hash of 128 random bits needs no key; it is sealed so that a leak of rows tells nothing at all. */
export type NewRecoveryCode = { id: string; sealedHash: string }

/** @returns the codes as they are shown, e.g. `7ZK3V-…`, and their rows */
export async function newRecoveryCodes(ctx: Pick<Context, 'settings' | 'now' | 'random'>) {
  const codes = Array.from({ length: RECOVERY_CODES }, () => formatCode(ctx.random(CODE_BYTES)))
  const rows = await Promise.all(
    codes.map(async (code): Promise<NewRecoveryCode> => {
      const id = newId(ctx)
      const sealedHash = await seal(
        ctx.settings.authKeys,
        'seal:recovery-code',
        await hashOf(code),
        id,
        ctx.random,
      )
      return { id, sealedHash }
    }),
  )
  return { codes, rows }
}

/** The code as `newRecoveryCodes` writes it, whatever a person put between and for its letters; null when it is none. */
export function parseRecoveryCode(text: string): string | null {
  const letters = text.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1')
  if (letters.length !== LENGTH || ![...letters].every((letter) => ALPHABET.includes(letter))) return null
  return group(letters)
}

/** @returns the id of the row that `code` belongs to, or null */
export async function findRecoveryCode(
  ctx: Pick<Context, 'settings'>,
  code: string,
  rows: readonly NewRecoveryCode[],
): Promise<string | null> {
  const hash = await hashOf(code)
  // All of them, so that the time says nothing of how many are left before it.
  const hashes = await Promise.all(
    rows.map(({ id, sealedHash }) => open(ctx.settings.authKeys, 'seal:recovery-code', sealedHash, id)),
  )
  return rows.find((_, index) => isSame(hashes[index] ?? null, hash))?.id ?? null
}

const isSame = (stored: Uint8Array | null, hash: Uint8Array) =>
  stored !== null && equalInConstantTime(stored, hash)

async function hashOf(code: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(code)))
}

/** 128 bits in 26 letters of five bits; the last two bits of those are zero. */
function formatCode(bytes: Uint8Array): string {
  let bits = 0n
  for (const byte of bytes) bits = (bits << 8n) | BigInt(byte)
  bits <<= 2n
  let letters = ''
  for (let at = LENGTH - 1; at >= 0; at--) letters += ALPHABET[Number((bits >> BigInt(at * 5)) & 31n)]
  return group(letters)
}

const group = (letters: string) => letters.match(GROUP)?.join('-') ?? ''
