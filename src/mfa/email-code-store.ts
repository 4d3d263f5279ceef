/** The SQL of asking for a mailed code: the row of the challenge decides whether one is sent, and holds what it is derived from. */
import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import { userIsActive } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import { announceKey } from '../keys/auth-keys-store.ts'
import { LIMITS } from '../limits/limits.ts'
import { isLive, keepCode } from '../sign-in/challenge-store.ts'
import type { MfaTokenHash } from '../sign-in/mfa-token.ts'
import { rowsOf } from '../storage/rows.ts'
import { mfaChallenges } from '../storage/schema.ts'
import { callingTenant, findTenantOfHost } from '../tenants/store.ts'

const ASKED = { userId: v.string(), seconds: v.nullable(v.number()) }

/**
 * @returns the host's tenant; and the account of the challenge with the seconds that are left, or null seconds where the
 * account's limit is reached. Codes of known browsers are counted apart: an attacker who knows the password cannot use up the
 * owner's.
 */
export async function requestCode(
  ctx: Pick<Context, 'db' | 'host' | 'settings' | 'callerOrigin' | 'fetchSite' | 'origin'> & Recorder,
  hash: MfaTokenHash,
  codeId: string,
) {
  const isOf = sql`mfa_challenges.hash = ${sql.param(hash, mfaChallenges.hash)}::bytea`
  const { rate, seconds } = LIMITS.requestEmailCode.postgres.account
  const lock = ctx.db.execute(sql`
    select users.id from mfa_challenges join users on users.id = mfa_challenges.user_id
    where ${isOf} for no key update of users`)
  const happened = sql`
    select tenant_id, user_id as subject, jsonb_build_object('code_id', code_id) as data from asked`
  const ask = rowsOf(
    ctx.db,
    ASKED,
  )(sql`
    with target as (
      select mfa_challenges.id, mfa_challenges.user_id, mfa_challenges.is_known_browser
      from mfa_challenges join users on users.id = mfa_challenges.user_id and ${userIsActive}
      join (${callingTenant(ctx)}) as tenant on tenant.id = mfa_challenges.tenant_id
      where ${isOf} and ${isLive} and mfa_challenges.purpose = 'sign_in' and not mfa_challenges.is_by_email
        and mfa_challenges.created_at >= coalesce(users.access_valid_from, '-infinity')
        and tenant.settings -> 'second_factor_email_code' = 'true' and users.second_factor_since is null
        and users.email_verified_at is not null),
    sent as (
      select coalesce(sum(earlier.codes_sent), 0) as codes from target join mfa_challenges as earlier
        on earlier.user_id = target.user_id and earlier.is_known_browser = target.is_known_browser
        and earlier.created_at > clock_timestamp() - make_interval(secs => ${seconds})),
    asked as (${keepCode(
      { id: codeId, keyId: ctx.settings.authKeys[0].keyId },
      sql`target, sent where mfa_challenges.id = target.id and sent.codes < ${rate * ctx.settings.limitsMultiplier}`,
    )}),
    ${announceKey(ctx, sql`asked`)},
    recorded as (${recordEvent(ctx, 'second_factor.code_requested', happened, { actor: sql`null` })})
    select target.user_id, case when asked.id is not null then
      greatest(0, extract(epoch from asked.expires_at - clock_timestamp()))::int end as seconds
    from target left join asked on asked.id = target.id`)
  const [, [asked], [tenant]] = await ctx.db.batch([lock, ask, findTenantOfHost(ctx)])
  return { tenant, asked: asked ?? null }
}
