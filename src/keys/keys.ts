/** Which key signs and which key verifies. The algorithm is always the key's own, never the token's (RFC 8725 §3.1). */
import type { Context } from '../context.ts'
import type { PublicJwk, SigningAlgorithm, SigningKey } from '../crypto/signing.ts'
import { readEdgeCache, writeEdgeCache } from '../http/edge-cache.ts'
import { Fault } from '../problem.ts'
import type { TenantRow } from '../tenants/tenants.ts'
import { openSigningKeyRow } from './sealed-key.ts'

/** What verifies an access token on a host: the tenant it must be for and the key it names, or null when there is none. */
export type Verifier = {
  tenant: TenantRow
  key: { publicJwk: PublicJwk; algorithm: SigningAlgorithm } | null
}

/** The key that signs now, and its public half for the verifier of what it signs. */
export type CurrentKey = SigningKey & { publicJwk: PublicJwk }

/**
 * Before anything is written or used up: nothing may change for an answer that cannot be signed.
 * @throws Fault `upstream_unavailable` when the deployment has no current key or the key does not open; it names both ids
 */
export async function openCurrentKey(
  ctx: Pick<Context, 'settings'>,
  row: { kid: string; sealedPrivateJwk: string; publicJwk: PublicJwk } | null | undefined,
): Promise<CurrentKey> {
  if (!row) throw cannotSign('there is no current signing key')
  const key = await openSigningKeyRow(ctx, row)
  if ('reason' in key) throw cannotSign(`the current signing key ${key.kid} does not open: ${key.reason}`)
  return { ...key, publicJwk: row.publicJwk }
}

const cannotSign = (what: string) =>
  new Fault(
    'upstream_unavailable',
    `${what}; run \`npm run keys -- rotate\` with the SIGNING_SEAL_KEYS of the Workers`,
  )

/**
 * What verifies a token, as far as this location keeps it: every sign-in, refresh and read leaves it there for ten
 * minutes. No trip. A write that relies on it must also check in its statement that the key still exists.
 */
export async function readKeptVerifier(
  ctx: Pick<Context, 'origin' | 'log' | 'defer'>,
  kid: string,
): Promise<Verifier | undefined> {
  // Only `keepVerifier` writes under this name.
  return (await readEdgeCache(ctx, verifierName(kid))) as Verifier | undefined
}

/** Keeps, for ten minutes, what was read from the database just now: of a tenant its row alone, as a read finds it again. */
export function keepVerifier(
  ctx: Pick<Context, 'origin' | 'log' | 'defer'>,
  kid: string,
  { tenant: { id, slug, name, issuer, allowedOrigins, settings }, key }: Verifier,
): void {
  const tenant: TenantRow = { id, slug, name, issuer, allowedOrigins, settings }
  writeEdgeCache(ctx, verifierName(kid), { tenant, key })
}

const verifierName = (kid: string) => `verifier/${kid}`
