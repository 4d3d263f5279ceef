/**
 * The life of a signing key: `next` is published before it signs, `current` signs, `retired` stays in the JWKS until
 * the last token it signed is dead. A partial unique index allows one current and one next key, whoever rotates at once.
 */
import { sql } from 'drizzle-orm'
import type { Context } from '../context.ts'
import { generateSigningKey, type SigningAlgorithm, sealSigningKey } from '../crypto/signing.ts'

/** The longest access token of any tenant (1 h) and what clocks and caches may lag behind. */
const RETIRED_SECONDS = 3600 + 900

/** How long `next` must have been published: verifiers keep a JWKS for ten minutes, some for a day. */
export const PUBLISHED_HOURS = 24

type KeyContext = Pick<Context, 'db' | 'settings' | 'now' | 'random'>

export type Rotated = { outcome: 'first_key' | 'published' | 'rotated' | 'too_early' }

/**
 * Takes the next step and only that: makes the first key; publishes a `next` one; or lets a `next` one that has been
 * published long enough sign, and publishes its successor. One transaction, one at a time.
 * @param options.immediately skips the wait, for a key that must be replaced now
 * @param options.currentDays how long the current key signs before it is replaced; 0 unless given
 */
export async function rotateSigningKeys(
  { db, settings, now, random }: KeyContext,
  {
    algorithm,
    immediately = false,
    currentDays = 0,
  }: { algorithm: SigningAlgorithm; immediately?: boolean; currentDays?: number },
): Promise<Rotated> {
  const key = await generateSigningKey(algorithm, now())
  const sealed = await sealSigningKey(settings.signingSealKeys, key, random)
  const due = sql`select kid from signing_keys where state = 'next'
    and (${immediately} or created_at <= now() - make_interval(hours => ${PUBLISHED_HOURS}) and not exists (
      select from signing_keys current
      where current.state = 'current' and current.activated_at > now() - make_interval(days => ${currentDays})))`
  const [, , promoted, inserted] = await db.batch([
    db.execute(sql`select pg_advisory_xact_lock(hashtext('latchkey signing keys'))`),
    db.execute(sql`
      update signing_keys set state = 'retired', expires_at = now() + make_interval(secs => ${RETIRED_SECONDS})
      where state = 'current' and exists (${due})`),
    db.execute(
      sql`update signing_keys set state = 'current', activated_at = now() where kid = (${due}) returning kid`,
    ),
    db.execute<{ state: 'current' | 'next' }>(sql`
      insert into signing_keys (kid, alg, public_jwk, sealed_private_jwk, state, activated_at)
      select ${key.kid}, ${algorithm}, ${JSON.stringify(key.publicJwk)}::jsonb, ${sealed},
        case when has_current then 'next' else 'current' end, case when has_current then null else now() end
      from (select exists (select from signing_keys where state = 'current') as has_current) as standing
      where not exists (select from signing_keys where state = 'next')
      returning state`),
  ])
  if (promoted.rows.length > 0) return { outcome: 'rotated' }
  const [made] = inserted.rows
  if (!made) return { outcome: 'too_early' }
  return { outcome: made.state === 'current' ? 'first_key' : 'published' }
}
