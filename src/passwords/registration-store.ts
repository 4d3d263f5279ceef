/** The SQL of registering. Uniqueness is decided by the statement that inserts, never by a read before it. */
import { eq, type SQL, sql } from 'drizzle-orm'
import type { NewUser } from '../accounts/accounts.ts'
import { forgetAttempts } from '../accounts/attempts-store.ts'
import { insertUser } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import type { PasswordHash } from '../crypto/password-hash.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import type { IdempotencyKey } from '../idempotency/idempotency.ts'
import { isKept, keepAnswer, keptAnswerColumns } from '../idempotency/store.ts'
import { announceKey } from '../keys/auth-keys-store.ts'
import type { NewToken } from '../one-time/one-time.ts'
import { issueToken, tokenIssued } from '../one-time/store.ts'
import type { Beginning } from '../sign-in/start.ts'
import { begin, beginningColumns, nextStatusIndex } from '../sign-in/start-store.ts'
import { isUniqueViolation } from '../storage/postgres.ts'
import { idempotencyKeys, signingKeys, tenantHosts, tenants } from '../storage/schema.ts'

type Storage = Pick<Context, 'db' | 'settings'> & Recorder

/** Everything a registration reads: the host's tenant, the key that will sign, and the answer kept for a repeat. */
export async function findForRegistration(
  ctx: Pick<Context, 'db' | 'host' | 'settings'>,
  repeat: IdempotencyKey | null,
) {
  const [row] = await ctx.db
    .select({
      ...beginningColumns(ctx, 'password'),
      statusIndex: nextStatusIndex,
      kept: keptAnswerColumns,
      sealedTurnstile: tenants.turnstileSecret,
    })
    .from(tenantHosts)
    .innerJoin(tenants, eq(tenants.id, tenantHosts.tenantId))
    .leftJoin(signingKeys, eq(signingKeys.state, 'current'))
    .leftJoin(idempotencyKeys, isKept(repeat))
    .where(eq(tenantHosts.host, ctx.host))
  return row
}

/** The answer that is kept for a repeat of the request. */
export type KeptRegistration = { key: IdempotencyKey; sealed: string }

export type Applicant = { user: NewUser; hash: PasswordHash }

/** Members of a `with`: the account (`account`), its password and the event; nothing where the address is taken. */
function makeAccount(ctx: Recorder, { user, hash }: Applicant): SQL {
  const registered = sql`select tenant_id, id as subject, '{}'::jsonb as data from account`
  return sql`
    account as (${insertUser(user)}),
    stored as (
      insert into passwords (user_id, tenant_id, phc, key_id)
      select id, tenant_id, ${hash.phc}, ${hash.keyId} from account),
    account_recorded as (${recordEvent(ctx, 'user.registered', registered)})`
}

export type Registration = Applicant & {
  beginning: Beginning
  kept: KeptRegistration | null
  /** Whose failures are forgotten: attempts before there was an account were at nothing. */
  subject: Uint8Array
}

/**
 * Creates account, password and session, or nothing: one statement. The unique index decides between simultaneous
 * registrations of one address, and the primary key between those with one Idempotency-Key.
 */
export async function register(
  ctx: Storage,
  { beginning, kept, subject, ...applicant }: Registration,
): Promise<'registered' | 'email_taken' | 'idempotency_key_in_use'> {
  const refused = sql`case when exists (select from account) then null else 'email_taken' end`
  return unlessInUse(async () => {
    const { rows } = await ctx.db.execute(sql`
      with ${makeAccount(ctx, applicant)},
      failures_forgotten as (
        ${forgetAttempts(sql`account`, { tenantId: applicant.user.tenantId, subjects: [subject] })}),
      ${kept ? sql`${keepAnswer(applicant.user.tenantId, kept.key, kept.sealed, refused)},` : sql``}
      ${begin(ctx, beginning, sql`select * from account`)}
      select id from begun`)
    return rows.length === 1 ? 'registered' : 'email_taken'
  })
}

/**
 * A mailed link stays valid for this long, even if its address registers again: a stranger could otherwise void every link,
 * and the owner's mailbox only takes so many (MAIL_LIMIT, which this and the resends of an hour stay within).
 */
const LINK_STANDS_MINUTES = 30

/**
 * Creates account and password, or leaves those that there are, and has the owner of the address told by mail: by a link,
 * where the address is not proved yet, else that there is an account. A password that is given for an account which is
 * there already changes nothing: a stranger could otherwise replace the password of a person who has not used the link yet. Failed sign-ins
 * are forgotten at the proof, not here: else the next attempt would tell whether this made an account.
 */
export async function registerToVerify(
  ctx: Storage,
  { token, kept, ...applicant }: Applicant & { token: NewToken; kept: KeptRegistration | null },
): Promise<'registered' | 'idempotency_key_in_use'> {
  const { tenantId, email } = applicant.user
  const unproved = sql`
    select tenant_id, id as user_id, id::text as holder, email as subject from owner where email_verified_at is null`
  const again = sql`
    select tenant_id, id as subject, '{}'::jsonb as data from owner where email_verified_at is not null`
  return unlessInUse(async () => {
    await ctx.db.execute(sql`
      with ${makeAccount(ctx, applicant)},
      ${announceKey(ctx, sql`account`)},
      owner as (
        select id, tenant_id, email, email_verified_at from account
        union all select id, tenant_id, email, email_verified_at from users
          where tenant_id = ${tenantId} and email = ${email} and deleted_at is null and status = 'active'),
      ${kept ? sql`${keepAnswer(tenantId, kept.key, kept.sealed, sql`null`)},` : sql``}
      issued as (${issueToken(token, unproved, { standsMinutes: LINK_STANDS_MINUTES })}),
      again_recorded as (${recordEvent(ctx, 'user.registered_again', again, { actor: sql`null` })})
      ${recordEvent(ctx, 'email.verification_requested', tokenIssued(sql`issued`), { actor: sql`null` })}`)
    return 'registered' as const
  })
}

async function unlessInUse<Outcome>(
  write: () => Promise<Outcome>,
): Promise<Outcome | 'idempotency_key_in_use'> {
  try {
    return await write()
  } catch (error) {
    if (isUniqueViolation(error, 'idempotency_keys')) return 'idempotency_key_in_use'
    throw error
  }
}
