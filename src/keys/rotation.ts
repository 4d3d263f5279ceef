/**
 * The life of a signing key: `next` is published before it signs, `current` signs, `retired` stays in the JWKS until
 * the last token it signed is dead. A partial unique index allows one current key, whoever rotates at once.
 */
import { sql } from 'drizzle-orm'
import type { Context } from '../context.ts'
import {
  generateSigningKey,
  type NewSigningKey,
  type SigningAlgorithm,
  sealSigningKey,
} from '../crypto/signing.ts'
import { signingKeys } from '../storage/schema.ts'

/** The longest access token of any tenant (1 h) and what clocks and caches may lag behind. */
const RETIRED_SECONDS = 3600 + 900

/** How long `next` must have been published: verifiers keep a JWKS for ten minutes, some for a day. */
export const PUBLISHED_HOURS = 24

type KeyContext = Pick<Context, 'db' | 'settings' | 'now' | 'random'>

export type Rotated = { outcome: 'first_key' | 'published' | 'rotated' | 'too_early' }

/**
 * Takes the next step and only that: makes the first key; publishes a `next` one; or lets a `next` one that has been
 * published long enough sign, and publishes its successor.
 * @param options.immediately skips the wait, for a key that must be replaced now
 */
export async function rotateSigningKeys(
  ctx: KeyContext,
  { algorithm, immediately = false }: { algorithm: SigningAlgorithm; immediately?: boolean },
): Promise<Rotated> {
  const { db } = ctx
  const rows = await db
    .select({ state: signingKeys.state, createdAt: signingKeys.createdAt })
    .from(signingKeys)
  const has = (state: string) => rows.some((row) => row.state === state)
  const key = await generateSigningKey(algorithm, ctx.now())

  if (!has('current') && !has('next')) {
    await insertKey(ctx, key, 'current')
    return { outcome: 'first_key' }
  }
  if (!has('next')) {
    await insertKey(ctx, key, 'next')
    return { outcome: 'published' }
  }
  const isDue = immediately
    ? sql`true`
    : sql`created_at <= now() - make_interval(hours => ${PUBLISHED_HOURS})`
  const [retired, promoted] = await db.batch([
    db.execute(sql`
      update signing_keys set state = 'retired', expires_at = now() + make_interval(secs => ${RETIRED_SECONDS})
      where state = 'current' and exists (select from signing_keys where state = 'next' and ${isDue})`),
    db.execute(sql`
      update signing_keys set state = 'current', activated_at = now()
      where kid = (select kid from signing_keys where state = 'next' and ${isDue} order by created_at limit 1)`),
  ])
  if (promoted.rowCount === 0 && retired.rowCount === 0) return { outcome: 'too_early' }
  await insertKey(ctx, key, 'next')
  return { outcome: 'rotated' }
}

async function insertKey(
  { db, settings, random }: KeyContext,
  key: NewSigningKey,
  state: 'next' | 'current',
) {
  const { kid, algorithm, publicJwk } = key
  const sealedPrivateJwk = await sealSigningKey(settings.signingSealKeys, key, random)
  const activatedAt = state === 'current' ? sql`now()` : null
  // Somebody else may have taken the same step at the same time: their key is as good.
  await db
    .insert(signingKeys)
    .values({ kid, algorithm, publicJwk, sealedPrivateJwk, state, activatedAt })
    .onConflictDoNothing()
}
