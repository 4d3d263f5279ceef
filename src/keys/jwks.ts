/**
 * The public keys as this location knows them. Its copy is asked for again after a minute, so that a key that was revoked
 * or had to sign at once is seen soon; while the database is away, or may not be asked, the copy does for ten.
 */
import type { Context } from '../context.ts'
import type { PublicJwk } from '../crypto/signing.ts'
import { readEdgeCache, writeEdgeCache } from '../http/edge-cache.ts'
import { Fault, faultOf, type Refusal } from '../problem.ts'
import { JWKS_EDGE_SECONDS } from './staleness.ts'
import { findPublicKeys } from './store.ts'

type Kept = { keys: PublicJwk[]; readAt?: number }

/**
 * @param refuseRead asked before the database is: who asks too often gets the copy all the same, and only without one a refusal
 * @returns null for a host that we do not serve; what `refuseRead` refuses
 * @throws Fault when there is no key at all: an empty set would make verifiers forget the keys that they have
 */
export async function readJwks(
  ctx: Pick<Context, 'db' | 'host' | 'origin' | 'log' | 'defer' | 'now'>,
  refuseRead: () => Promise<Refusal | null>,
): Promise<{ keys: PublicJwk[] } | Refusal | null> {
  const now = ctx.now().getTime()
  const kept = (await readEdgeCache(ctx, 'jwks')) as Kept | undefined // only this function writes it
  if (kept && now - (kept.readAt ?? 0) < JWKS_EDGE_SECONDS * 1000) return { keys: kept.keys }
  const refused = await refuseRead()
  if (refused) return kept ? { keys: kept.keys } : refused
  const keys = await findPublicKeys(ctx).catch((error: unknown) => {
    if (!kept) throw error
    ctx.log('warn', 'serving stale jwks', { cause: faultOf(error).message })
    return kept.keys
  })
  if (keys === null) return null
  if (keys.length === 0)
    throw new Fault('upstream_unavailable', 'no signing key; run `npm run keys -- rotate`')
  if (keys !== kept?.keys) writeEdgeCache(ctx, 'jwks', { keys, readAt: now } satisfies Kept)
  return { keys }
}
