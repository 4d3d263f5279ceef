/** The SQL of challenges: what waits between the first factor and the second, found, used up, or counted as tried. */
import { and, eq, type SQL, sql } from 'drizzle-orm'
import { userIsActive } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import { mfaChallenges } from '../storage/schema.ts'
import type { MfaTokenHash } from './mfa-token.ts'

/** Wrong codes that a challenge hears. Those of the account are counted besides, over all its challenges. */
const MAX_TRIES = 5

type ChallengePurpose = 'sign_in' | 'enrol'

export const isLive = sql`(mfa_challenges.consumed_at is null and mfa_challenges.expires_at > clock_timestamp()
  and mfa_challenges.attempts < ${MAX_TRIES})`

/** For `db.select`, with `challengeIs`: the challenge while it can be answered. */
export const challengeColumns = {
  id: mfaChallenges.id,
  userId: mfaChallenges.userId,
  amr: mfaChallenges.amr,
  isKnownBrowser: mfaChallenges.isKnownBrowser,
  isByEmail: mfaChallenges.isByEmail,
  codeId: mfaChallenges.codeId,
  codeKeyId: mfaChallenges.codeKeyId,
}

/** A join condition, over `tenants`. */
export const challengeIs = (hash: MfaTokenHash, purpose: ChallengePurpose) =>
  and(
    eq(mfaChallenges.hash, hash),
    eq(mfaChallenges.purpose, purpose),
    sql`mfa_challenges.tenant_id = tenants.id`,
    isLive,
  )

/** The first statement of a batch that answers a challenge: the account is locked before its factors are looked at. */
export const lockChallenged = ({ db }: Pick<Context, 'db'>, challengeId: string) =>
  db.execute(sql`
    select users.id from mfa_challenges join users on users.id = mfa_challenges.user_id
    where mfa_challenges.id = ${challengeId} for no key update of users`)

/**
 * `challenge`, a member of a `with`: the challenge and its account, locked, if it can be answered now. Whatever has ended the
 * account's sessions since (a reset, a change, a closing) has ended it too.
 */
export const heldChallenge = (challengeId: string): SQL => sql`
  challenge as (
    select mfa_challenges.id, mfa_challenges.tenant_id, mfa_challenges.user_id
    from mfa_challenges join users on users.id = mfa_challenges.user_id
    where mfa_challenges.id = ${challengeId} and ${isLive} and ${userIsActive}
      and mfa_challenges.created_at >= coalesce(users.access_valid_from, '-infinity')
    for update of mfa_challenges)`

/** `update … returning user_id`: the challenge in `challenge` is used up, and nothing was put off, once the member `proved` (`user_id`) has a row. */
export const consumeChallenge: SQL = sql`
  update mfa_challenges set consumed_at = clock_timestamp(), sign_ins = 0
  from challenge join proved on proved.user_id = challenge.user_id
  where mfa_challenges.id = challenge.id
  returning mfa_challenges.user_id`

/** Counts a wrong code against the challenge. */
export const countTry = ({ db }: Pick<Context, 'db'>, challengeId: string) =>
  db.execute(sql`
    update mfa_challenges set attempts = attempts + 1 where id = ${challengeId} and consumed_at is null`)

/** `update … returning *`: a code that is derived from `id` was mailed for the challenge that `from` joins. */
export const keepCode = ({ id, keyId }: { id: string; keyId: string }, from: SQL): SQL => sql`
  update mfa_challenges set code_id = ${id}::uuid, code_key_id = ${keyId}, codes_sent = mfa_challenges.codes_sent + 1
  from ${from} returning mfa_challenges.*`
