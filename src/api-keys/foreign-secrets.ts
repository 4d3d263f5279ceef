/**
 * What another system made HMACs of its API keys with. An operator gives it (`npm run api-keys`), and it is sealed. A key that
 * was imported by its HMAC is found by it once; from then on its own SHA-256 is stored, and the secret is not needed for it.
 */
import type { Context } from '../context.ts'
import { open, seal } from '../crypto/sealing.ts'
import { type ApiKeyHash, type ForeignKey, hmacForeignKey } from '../guard/api-key.ts'
import { findKey } from '../guard/key-store.ts'
import { Fault } from '../problem.ts'
import { keepOwnHash } from './foreign-secret-store.ts'

type Sealed = { id: string; sealedSecret: string }

export const sealForeignSecret = (
  { settings, random }: Pick<Context, 'settings' | 'random'>,
  id: string,
  secret: Uint8Array,
): Promise<string> => seal(settings.authKeys, 'seal:foreign-key', secret, id, random)

/** @throws Fault when it does not open: it was changed, or belongs to another row */
async function openForeignSecret(
  { settings }: Pick<Context, 'settings'>,
  { id, sealedSecret }: Sealed,
): Promise<Uint8Array> {
  const secret = await open(settings.authKeys, 'seal:foreign-key', sealedSecret, id)
  if (secret === null)
    throw new Fault('internal_error', `the HMAC key ${id} of imported API keys does not open`)
  return secret
}

/**
 * The key, by its HMAC under any of the secrets: one more trip, and none where no secret is needed any more. After the answer
 * its SHA-256 takes the place of the HMAC.
 */
export async function findAtFirstUse(
  ctx: Pick<Context, 'db' | 'host' | 'settings' | 'defer'>,
  key: ForeignKey,
  { hash, secrets }: { hash: ApiKeyHash; secrets: readonly Sealed[] },
) {
  if (secrets.length === 0) return undefined
  const hmacs = await Promise.all(
    secrets.map(async (sealed) => hmacForeignKey(key, await openForeignSecret(ctx, sealed))),
  )
  // Also by its SHA-256: another first use may have left that here since the first read.
  const [row] = await findKey(ctx, null, [hash, ...hmacs])
  if (row?.key) ctx.defer(keepOwnHash(ctx, row.key.id, { hash, hmacs }))
  return row
}
