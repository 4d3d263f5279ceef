/**
 * The SQL of one-time tokens, as pieces of the statements that need them. A token is used up by one conditional update;
 * its owner's row is locked by a statement before, in the same batch, so that what decides sees everything that others
 * committed while it waited: a session that began, a password that was set, a newer token.
 */
import { type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { CanonicalEmail } from '../accounts/accounts.ts'
import { userIsActive } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import type { ChangeType } from '../events/catalogue.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import { announceKey } from '../keys/auth-keys-store.ts'
import { type Row, rowsOf } from '../storage/rows.ts'
import { oneTimeTokens } from '../storage/schema.ts'
import { callingTenant, findTenantOfHost } from '../tenants/store.ts'
import { holderInBrowser, holderOfUnknown, type NewToken } from './one-time.ts'
import type { OneTimeTokenHash } from './one-time-token.ts'
import { MAX_CODE_FAILURES, type OneTimePurpose, PURPOSES } from './purposes.ts'

type Caller = Pick<Context, 'host' | 'callerOrigin' | 'fetchSite' | 'origin'>

export const bytea = (value: Uint8Array | null) =>
  sql`${value && sql.param(value, oneTimeTokens.hash)}::bytea`

/**
 * `insert … returning *`: the token, for each row of `from`, in the place of an older one of its purpose and holder.
 * @param from a select that yields `tenant_id`, `user_id`, `holder` and `subject`, and may yield `grants`
 * @param options.seconds its life, where the purpose does not say it
 * @param options.standsMinutes how long a token is not replaced; then nothing is inserted
 */
export function issueToken(
  { id, purpose, hash, keyId, flowId, codeHash, browserHash }: NewToken,
  from: SQL,
  {
    seconds = sql`${PURPOSES[purpose].seconds}`,
    grants = sql`'{}'::text[]`,
    standsMinutes = 0,
  }: { seconds?: SQL; grants?: SQL; standsMinutes?: number } = {},
): SQL {
  return sql`
    insert into one_time_tokens (id, tenant_id, user_id, purpose, holder, subject, hash, key_id, flow_id, grants,
      code_hash, browser_hash, failures, created_at, expires_at)
    select ${id}::uuid, account.tenant_id, account.user_id, ${purpose}, account.holder, account.subject,
      ${bytea(hash)}, ${keyId}, ${flowId}::uuid, ${grants},
      case when wrong.failures < ${MAX_CODE_FAILURES} then ${bytea(codeHash)} end, ${bytea(browserHash)}, wrong.failures,
      clock_timestamp(), clock_timestamp() + make_interval(secs => ${seconds})
    from (${from}) as account
    -- A challenge in another browser does not forget the wrong codes of the others.
    cross join lateral (
      select coalesce(max(other.failures), 0) as failures from one_time_tokens as other
      where other.user_id = account.user_id and other.purpose = ${purpose}) as wrong
    on conflict (tenant_id, purpose, holder) do update set id = excluded.id, user_id = excluded.user_id,
      subject = excluded.subject, hash = excluded.hash, key_id = excluded.key_id, flow_id = excluded.flow_id,
      grants = excluded.grants, browser_hash = excluded.browser_hash, attempts = 0, own_attempts = 0,
      -- Too many wrong codes in a row: from then on the link alone signs in.
      code_hash = case when one_time_tokens.failures < ${MAX_CODE_FAILURES} then excluded.code_hash end,
      failures = greatest(one_time_tokens.failures, excluded.failures),
      created_at = excluded.created_at, expires_at = excluded.expires_at, consumed_at = null
    where one_time_tokens.consumed_at is not null
      or one_time_tokens.created_at <= clock_timestamp() - make_interval(mins => ${standsMinutes})
    returning *`
}

/** The event of a token in the member `issued`; without a subject where there is no account. */
export const tokenIssued = (issued: SQL) =>
  sql`select tenant_id, user_id as subject, jsonb_build_object('token_id', id) as data from ${issued}`

/**
 * Makes the token that a caller asked for by an address, and the event that mails it; for an address that has no account
 * which needs one, a token that names no one and is never mailed. One statement, the same for both.
 * @param options.browser the nonce of a browser that the account knows: what it asks for is replaced by itself alone
 * @param options.needsOne a condition over `users`
 * @param options.letsIn one over `tenant`: whether anything is made at all
 * @returns the host's tenant, read in the same trip; nothing is made on a foreign page's behalf
 */
export async function requestToken(
  ctx: Caller & Pick<Context, 'db' | 'settings'> & Recorder,
  email: CanonicalEmail,
  token: NewToken,
  {
    type,
    browser,
    needsOne = sql`true`,
    letsIn = sql`true`,
  }: { type: ChangeType; browser: string | null; needsOne?: SQL; letsIn?: SQL },
) {
  const [holder, inBrowser] = await Promise.all([holderOfUnknown(email), holderInBrowser(browser)])
  const account = sql`
    select tenant.id as tenant_id, users.id as user_id, coalesce(users.id::text || ${inBrowser}, ${holder}) as holder, users.email as subject
    from (${callingTenant(ctx)}) as tenant
    left join users on users.tenant_id = tenant.id and users.email = ${email} and ${userIsActive} and ${needsOne}
    where ${letsIn}`
  const options = { actor: sql`null`, isSettled: sql`happened.subject is null` }
  const issue = rowsOf(ctx.db, { subject: v.nullable(v.string()) })(sql`
    with issued as (${issueToken(token, account)}),
    ${announceKey(ctx, sql`issued`)}
    ${recordEvent(ctx, type, tokenIssued(sql`issued`), options)} returning subject`)
  const [[issued], [tenant]] = await ctx.db.batch([issue, findTenantOfHost(ctx)])
  // A stranger chooses how many of these there are, so they are told as attempts are: sampled and counted.
  if (issued?.subject === null) Object.assign(ctx.happened, { recorded: [], unowned: type })
  return tenant
}

/** The first statement of a batch that redeems: what else changes this account waits, or is waited for. */
export const lockOwner = ({ db }: Pick<Context, 'db'>, hash: OneTimeTokenHash) =>
  db.execute(sql`
    select users.id from one_time_tokens join users on users.id = one_time_tokens.user_id
    where one_time_tokens.hash = ${bytea(hash)} for no key update of users`)

/** The same for a batch that changes an account whose id is known. */
export const lockUser = ({ db }: Pick<Context, 'db'>, userId: string) =>
  db.execute(sql`select id from users where id = ${userId} for no key update`)

const OWN = sql.join(
  Object.entries(PURPOSES).flatMap(([purpose, { provesOwnAddress }]) =>
    provesOwnAddress ? [sql`${purpose}`] : [],
  ),
  sql`, `,
)

/** What undoes a change of address stays when an account is secured or closed: a thief must not get rid of it. */
const NOT_UNDOING = sql`one_time_tokens.purpose <> 'revert_email'`

/** A token that may be used now, and `users`, whose it is. */
export const tokenIsLive = (
  hash: OneTimeTokenHash,
  purposes: readonly OneTimePurpose[],
  account: SQL | undefined = userIsActive,
) => sql`
  one_time_tokens.hash = ${bytea(hash)} and one_time_tokens.purpose in (${sql.join(
    purposes.map((purpose) => sql`${purpose}`),
    sql`, `,
  )})
  and one_time_tokens.consumed_at is null and one_time_tokens.expires_at > clock_timestamp()
  and users.id = one_time_tokens.user_id and users.tenant_id = one_time_tokens.tenant_id and ${account}
  and (one_time_tokens.purpose not in (${OWN}) or users.email = one_time_tokens.subject)`

const LIVE_LINK = { userId: v.string(), isProved: v.boolean(), hasPassword: v.boolean() }
export type LiveLink = Row<typeof LIVE_LINK>

/**
 * Looks at a token without using it up: one trip.
 * @returns the host's tenant, and whose the token is and how that account is, while it is alive; else a null link
 */
export async function findLink(
  ctx: Pick<Context, 'db' | 'host'>,
  hash: OneTimeTokenHash,
  { purposes, account }: { purposes: readonly OneTimePurpose[]; account?: SQL | undefined },
) {
  const find = rowsOf(
    ctx.db,
    LIVE_LINK,
  )(sql`
    select users.id as user_id, users.email_verified_at is not null as is_proved,
      exists (select from passwords where passwords.user_id = users.id) as has_password
    from one_time_tokens, users, tenant_hosts
    where tenant_hosts.host = ${ctx.host} and tenant_hosts.tenant_id = one_time_tokens.tenant_id
      and ${tokenIsLive(hash, purposes, account)}`)
  const [[link], [tenant]] = await ctx.db.batch([find, findTenantOfHost(ctx)])
  return { tenant, link: link ?? null }
}

/**
 * `update … returning …`: uses the token up, if it is alive, of one of these purposes, on a host of its tenant and from an
 * origin that may call. So of any number of simultaneous callers one gets a row.
 * @param options.account what must be so of `users`; that it is active, unless given
 * @param options.and what else must be so of the token
 */
export function consumeToken(
  ctx: Caller,
  hash: OneTimeTokenHash,
  purposes: readonly OneTimePurpose[],
  { account, and = sql`true` }: { account?: SQL | undefined; and?: SQL } = {},
): SQL {
  return sql`
    update one_time_tokens set consumed_at = clock_timestamp(), failures = 0
    from users, (${callingTenant(ctx)}) as tenant
    where tenant.id = one_time_tokens.tenant_id and ${tokenIsLive(hash, purposes, account)} and ${and}
    returning one_time_tokens.id, one_time_tokens.tenant_id, one_time_tokens.user_id, one_time_tokens.purpose,
      one_time_tokens.subject, one_time_tokens.flow_id, one_time_tokens.grants, one_time_tokens.created_at, users.email,
      users.email_verified_at`
}

/**
 * Member of a `with`: tokens of the accounts in `account` (`user_id`, and `id` of the one that stays or null) are void.
 * @param which those alone, over `one_time_tokens` and `account`
 */
export const voidTokens = (account: SQL, which: SQL = NOT_UNDOING): SQL => sql`
  voided as (
    delete from one_time_tokens using ${account} as account
    where one_time_tokens.user_id = account.user_id and one_time_tokens.id is distinct from account.id and ${which})`
