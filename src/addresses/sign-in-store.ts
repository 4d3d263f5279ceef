/**
 * The SQL of signing in by e-mail: a challenge that a code or a link answers, used up by the statement that begins the
 * session. An address without an account has a challenge as well, which counts its wrong codes and is never answered.
 */
import { eq, type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { proveAddress } from '../access/proof-store.ts'
import type { CanonicalEmail } from '../accounts/accounts.ts'
import { userIsActive } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import type { Recorder } from '../events/outbox.ts'
import { answerChallenge, forgetWrongCodes, isFromBrowser } from '../one-time/code-store.ts'
import type { OneTimeTokenHash } from '../one-time/one-time-token.ts'
import { consumeToken, lockOwner } from '../one-time/store.ts'
import type { Refusal } from '../problem.ts'
import { type Beginning, type Begun, readBegun } from '../sign-in/start.ts'
import { BEGUN, begin, beginningColumns } from '../sign-in/start-store.ts'
import { rowsOf } from '../storage/rows.ts'
import { signingKeys, tenantHosts, tenants } from '../storage/schema.ts'
import { callingTenant } from '../tenants/store.ts'

type Storage = Pick<
  Context,
  'db' | 'host' | 'settings' | 'callerOrigin' | 'fetchSite' | 'origin' | 'outcome'
> &
  Recorder

/** What the answer of a session needs before it begins: the host's tenant, the key that will sign, the database's clock. */
export async function findForSignIn(ctx: Pick<Context, 'db' | 'host' | 'settings'>) {
  const [row] = await ctx.db
    .select(beginningColumns(ctx, 'email'))
    .from(tenantHosts)
    .innerJoin(tenants, eq(tenants.id, tenantHosts.tenantId))
    .leftJoin(signingKeys, eq(signingKeys.state, 'current'))
    .where(eq(tenantHosts.host, ctx.host))
  return row
}

/** Members of a `with`, after `token`, which was used up: the address is proved, and the session begins. */
const signInBy = (ctx: Storage, beginning: Beginning): SQL => sql`
  ${proveAddress(ctx, 'sign_in')},
  ${forgetWrongCodes(sql`not exists (select from planted)`)},
  ${begin(ctx, beginning, sql`select * from proved`)}
  select ${BEGUN} as begun`

/**
 * Answers the challenge of an address with a code, or counts a wrong one: whichever of simultaneous attempts comes first
 * decides what the next one finds.
 * @param attempt.holder who holds the challenge of an address that has no account
 * @param attempt.browserHash what the caller's browser proves to have been given when it asked for this address
 */
export async function signInByCode(
  ctx: Storage,
  {
    email,
    holder,
    hashes,
    browserHash,
  }: {
    email: CanonicalEmail
    holder: string
    hashes: readonly Uint8Array[]
    browserHash: Uint8Array | null
  },
  beginning: Beginning,
): Promise<Begun | Refusal | null> {
  const account = sql`
    (${callingTenant(ctx)}) as tenant
    left join users on users.tenant_id = tenant.id and users.email = ${email} and ${userIsActive}
    -- Of an account, one that strangers asked for, and one for each browser that it knows: the code is of one of them.
    join one_time_tokens on one_time_tokens.tenant_id = tenant.id and one_time_tokens.purpose = 'sign_in'
      and one_time_tokens.holder = any(case when users.id is null then array[${holder}::text] else array(
        select own.holder from one_time_tokens as own where own.user_id = users.id and own.purpose = 'sign_in') end)`
  const lock = ctx.db.execute(sql`
    select one_time_tokens.id from ${account} order by one_time_tokens.id for no key update of one_time_tokens`)
  const lockAccount = ctx.db.execute(sql`
    select users.id from (${callingTenant(ctx)}) as tenant
    join users on users.tenant_id = tenant.id and users.email = ${email} and ${userIsActive} for no key update of users`)
  const isOwn = browserHash ? sql`coalesce(${isFromBrowser(browserHash)}, false)` : sql`false`
  const decide = rowsOf(ctx.db, { begun: v.unknown() })(sql`
    with ${answerChallenge(account, { hashes, isOwn })},
    ${signInBy(ctx, beginning)}`)
  const [, , [row]] = await ctx.db.batch([lockAccount, lock, decide])
  return readBegun(ctx, beginning, row?.begun)
}

/** Answers the challenge with its link, in the browser that asked for it. */
export async function signInByLink(
  ctx: Storage,
  { hash, browserHash }: { hash: OneTimeTokenHash; browserHash: Uint8Array },
  beginning: Beginning,
): Promise<Begun | Refusal | null> {
  const decide = rowsOf(ctx.db, { begun: v.unknown() })(sql`
    with token as (${consumeToken(ctx, hash, ['sign_in'], { and: isFromBrowser(browserHash) })}),
    ${signInBy(ctx, beginning)}`)
  const [, [row]] = await ctx.db.batch([lockOwner(ctx, hash), decide])
  return readBegun(ctx, beginning, row?.begun)
}
