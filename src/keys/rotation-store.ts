/** The rows of the signing keys as they change: one transaction for a whole step, one at a time. */
import { type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { Context } from '../context.ts'
import type { NewSigningKey } from '../crypto/signing.ts'
import { type Row, rowsOf } from '../storage/rows.ts'
import { signingKeys } from '../storage/schema.ts'

/** The longest access token of any tenant (1 h) and what clocks and caches may lag behind. */
const RETIRED_SECONDS = 3600 + 900

/** How long `next` must have been published: verifiers keep a JWKS for ten minutes, some for a day. */
export const PUBLISHED_HOURS = 24

const SIGNING_KEY = {
  kid: signingKeys.kid,
  algorithm: signingKeys.algorithm,
  state: signingKeys.state,
  sealedPrivateJwk: signingKeys.sealedPrivateJwk,
  isOver: v.boolean(),
}
export type SigningKeyRow = Row<typeof SIGNING_KEY>

const KID = { kid: signingKeys.kid }

/** Every key, the current one first; there are a few. */
export async function findSigningKeys({ db }: Pick<Context, 'db'>): Promise<SigningKeyRow[]> {
  return rowsOf(
    db,
    SIGNING_KEY,
  )(sql`
    select kid, alg, state, sealed_private_jwk, coalesce(expires_at <= now(), false) as is_over
    from signing_keys order by state, created_at`)
}

/** What a step knows before it begins. Keys are named by their sealed text: a row that was resealed meanwhile is another. */
export type Step = {
  opened: string[]
  unopenable: string[]
  /** Kids that no token may be verified with from now on. */
  revoked: string[]
  /** When a published key may take over from one that could go on; null for never. */
  schedule: { immediately: boolean; currentDays: number } | null
  fresh: Record<'current' | 'next', { key: NewSigningKey; sealed: string }>
}

export type StepTaken = {
  /** Kids of the keys that signed, or were published, and no longer are. */
  ended: string[]
  promoted: { kid: string; publishedSeconds: number } | null
  /** The kids of new keys. */
  made: Record<'current' | 'next', string | null>
}

/**
 * Ends what is due, revoked or unopenable; lets `next` sign where nothing does; makes what is missing. A key that was
 * not opened never comes to sign.
 */
export async function takeStep({ db }: Pick<Context, 'db'>, step: Step): Promise<StepTaken> {
  const { opened, unopenable, revoked, schedule, fresh } = step
  const isDue = schedule
    ? sql`exists (
        select from signing_keys next where next.state = 'next' and ${isOneOf(sql`next.sealed_private_jwk`, opened)}
          and (${schedule.immediately} or (next.created_at <= now() - make_interval(hours => ${PUBLISHED_HOURS})
            and (signing_keys.activated_at > now() - make_interval(days => ${schedule.currentDays})) is not true)))`
    : sql`false`
  const isRevoked = isOneOf(sql`kid`, revoked)
  const isUnopenable = isOneOf(sql`sealed_private_jwk`, unopenable)
  const [, ended, removed, promoted, current, next] = await db.batch([
    db.execute(sql`select pg_advisory_xact_lock(hashtext('latchkey signing keys'))`),
    rowsOf(
      db,
      KID,
    )(sql`
      update signing_keys set state = 'retired', expires_at = case when ${isRevoked} then now()
        else now() + make_interval(secs => ${RETIRED_SECONDS}) end
      where (${isRevoked} and (expires_at is null or expires_at > now()))
        or (state = 'current' and (${isUnopenable} or ${isDue}))
      returning kid`),
    // It has signed nothing, so no token needs its public key.
    rowsOf(
      db,
      KID,
    )(sql`
      delete from signing_keys where state = 'next' and ${isUnopenable} returning kid`),
    rowsOf(db, { ...KID, seconds: v.number() })(sql`
      update signing_keys set state = 'current', activated_at = now()
      where state = 'next' and ${isOneOf(sql`sealed_private_jwk`, opened)}
        and not exists (select from signing_keys where state = 'current')
      returning kid, extract(epoch from now() - created_at)::int as seconds`),
    db.execute(sql`
      ${insertKey('current', fresh.current, sql`now()`)}
      where not exists (select from signing_keys where state = 'current')`),
    // After the very first key the next step publishes a successor.
    db.execute(sql`
      ${insertKey('next', fresh.next, sql`null`)}
      where not exists (select from signing_keys where state = 'next')
        and exists (select from signing_keys where kid <> ${fresh.current.key.kid})`),
  ])
  const [signs] = promoted
  return {
    ended: [...ended, ...removed].map(({ kid }) => kid),
    promoted: signs ? { kid: signs.kid, publishedSeconds: signs.seconds } : null,
    made: {
      current: current.rowCount === 1 ? fresh.current.key.kid : null,
      next: next.rowCount === 1 ? fresh.next.key.kid : null,
    },
  }
}

const insertKey = (
  state: 'current' | 'next',
  { key, sealed }: Step['fresh']['current'],
  activatedAt: SQL,
): SQL => sql`
  insert into signing_keys (kid, alg, public_jwk, sealed_private_jwk, state, activated_at)
  select ${key.kid}, ${key.algorithm}, ${JSON.stringify(key.publicJwk)}::jsonb, ${sealed}, ${state}, ${activatedAt}::timestamptz`

/** Whether `column` is one of a few texts. */
const isOneOf = (column: SQL, texts: string[]): SQL =>
  texts.length === 0
    ? sql`false`
    : sql`${column} in (${sql.join(
        texts.map((text) => sql`${text}`),
        sql`, `,
      )})`
