/**
 * The SQL of codes that are mailed for signing in: which challenges an address has, and the statement that hears a code.
 * A code is one of few, so wrong ones are counted: against the challenge, and in a row against the account.
 */
import { type SQL, sql } from 'drizzle-orm'
import { MAX_CODE_ATTEMPTS, MAX_CODE_FAILURES } from './purposes.ts'
import { bytea } from './store.ts'

/** That the browser which asked is the one that comes. */
export const isFromBrowser = (browserHash: Uint8Array) =>
  sql`one_time_tokens.browser_hash = ${bytea(browserHash)}`

/** That the token has one of these as its code. */
const hasCode = (hashes: readonly Uint8Array[]) => sql`
  coalesce(one_time_tokens.code_hash in (${sql.join(hashes.map(bytea), sql`, `)}), false)`

/**
 * Members of a `with`: the challenges of `account` hear a code, and `token` is the one that it was right for, used up. Else
 * each that is alive counts one wrong code more.
 * @param account `… as tenant left join users … join one_time_tokens …`, locked by a statement before, in the same batch
 * @param options.isOwn whether the code comes from the browser that asked, over `one_time_tokens`
 */
export const answerChallenge = (
  account: SQL,
  { hashes, isOwn }: { hashes: readonly Uint8Array[]; isOwn: SQL },
): SQL => sql`
  live as (
    select one_time_tokens.id, users.email, users.email_verified_at, ${isOwn} as is_own,
      ${hasCode(hashes)} and users.id is not null as is_right
    from ${account}
    where one_time_tokens.consumed_at is null and one_time_tokens.expires_at > clock_timestamp()
      and case when ${isOwn} then one_time_tokens.own_attempts else one_time_tokens.attempts end < ${MAX_CODE_ATTEMPTS}
      and one_time_tokens.failures < ${MAX_CODE_FAILURES}
      and one_time_tokens.subject is not distinct from users.email),
  challenge as (select *, bool_or(is_right) over () as is_answered from live),
  answered as (
    update one_time_tokens set
      consumed_at = case when is_right then clock_timestamp() end,
      attempts = attempts + case when is_right or is_own then 0 else 1 end,
      own_attempts = own_attempts + case when is_right or not is_own then 0 else 1 end,
      failures = case when is_right then 0 else failures + 1 end
    from challenge where one_time_tokens.id = challenge.id and is_right = is_answered
    returning one_time_tokens.id, one_time_tokens.tenant_id, one_time_tokens.user_id, challenge.is_right,
      challenge.email, challenge.email_verified_at),
  token as (select * from answered where is_right)`

/**
 * Member of a `with`, after `token`, which signed in: the wrong codes of the account's other challenges are forgotten.
 * @param when not where those are void by the same statement, which may write a row once
 */
export const forgetWrongCodes = (when: SQL): SQL => sql`
  wrong_forgotten as (
    update one_time_tokens set failures = 0 from token
    where one_time_tokens.user_id = token.user_id and one_time_tokens.purpose = 'sign_in' and one_time_tokens.failures > 0
      and one_time_tokens.id not in (select id from token) and ${when})`
