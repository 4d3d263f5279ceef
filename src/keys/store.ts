/** The signing keys' rows. Private keys leave the database sealed; only Workers that issue tokens can open them. */
import { and, eq, gt, isNull, ne, or, type Placeholder, sql } from 'drizzle-orm'
import type { Context } from '../context.ts'
import { signingKeys, tenantHosts, tenants } from '../storage/schema.ts'
import { tenantColumns } from '../tenants/store.ts'
import type { KeyedWorker } from './auth-keys.ts'
import { ringState } from './auth-keys-store.ts'

/** For joins that verify: `leftJoin(signingKeys, keyIsValid(kid))`. */
export const publicKeyColumns = { publicJwk: signingKeys.publicJwk, algorithm: signingKeys.algorithm }

/** For joins that sign: `leftJoin(signingKeys, eq(signingKeys.state, 'current'))`. */
export const sealedKeyColumns = {
  kid: signingKeys.kid,
  sealedPrivateJwk: signingKeys.sealedPrivateJwk,
  ...publicKeyColumns,
}

/** A key is valid while it has a row: `next` has signed nothing yet; a retired one stays until its last token has expired. */
export const keyIsValid = (kid: string | Placeholder) =>
  and(
    eq(signingKeys.kid, kid),
    ne(signingKeys.state, 'next'),
    or(isNull(signingKeys.expiresAt), gt(signingKeys.expiresAt, sql`now()`)),
  )

/** The host's tenant and the public key `kid`, in one query; `key` is null when there is no such key. */
export async function findVerifier({ db, host }: Pick<Context, 'db' | 'host'>, kid: string) {
  const [row] = await db
    .select({ tenant: tenantColumns, key: publicKeyColumns })
    .from(tenantHosts)
    .innerJoin(tenants, eq(tenants.id, tenantHosts.tenantId))
    .leftJoin(signingKeys, keyIsValid(kid))
    .where(eq(tenantHosts.host, host))
  return row
}

/** The key that signs, or null, and what is known of the ring at hand: one query, of tables of a few rows. */
export async function findReadiness(ctx: Pick<Context, 'db' | 'settings'>, worker: KeyedWorker) {
  const [row] = await ctx.db
    .select({ ring: ringState(ctx, worker), key: sealedKeyColumns })
    .from(sql`(select) as always`)
    .leftJoin(signingKeys, eq(signingKeys.state, 'current'))
  return row
}

/**
 * Of the current key in `signing_keys`: whether SIGNING_SEAL_KEYS has the key that sealed it, as far as its id tells. For
 * statements that use something up for an answer that is signed afterwards.
 */
export const isOpenable = ({ settings }: Pick<Context, 'settings'>) => {
  const keyIds = settings.signingSealKeys.map(({ keyId }) => sql`${keyId}`)
  return sql`(split_part(signing_keys.sealed_private_jwk, '.', 1) in (${sql.join(keyIds, sql`, `)})) is true`
}

/** Every key that a verifier may meet, for a host that we serve: null when we do not. */
export async function findPublicKeys({ db, host }: Pick<Context, 'db' | 'host'>) {
  const rows = await db
    .select({ tenantId: tenantHosts.tenantId, publicJwk: signingKeys.publicJwk })
    .from(tenantHosts)
    .leftJoin(signingKeys, or(isNull(signingKeys.expiresAt), gt(signingKeys.expiresAt, sql`now()`)))
    .where(eq(tenantHosts.host, host))
    .orderBy(signingKeys.createdAt)
  return rows.length === 0 ? null : rows.flatMap(({ publicJwk }) => publicJwk ?? [])
}
