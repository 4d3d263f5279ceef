/**
 * The SQL of changing an address. Each of its two tokens says which address it proves, and a change takes both from the same
 * flow: however many are asked for at once, no address is taken that was not proved for exactly that change.
 */
import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { CanonicalEmail } from '../accounts/accounts.ts'
import { forgetAttemptsAt } from '../accounts/attempts-store.ts'
import { changeAddress } from '../accounts/proof-store.ts'
import type { Context } from '../context.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import { CALLER, callerOf, callerRow } from '../guard/caller-store.ts'
import type { Caller, CallerRow } from '../guard/demands.ts'
import type { NewToken } from '../one-time/one-time.ts'
import type { OneTimeTokenHash } from '../one-time/one-time-token.ts'
import { consumeToken, issueToken, lockOwner, lockUser, tokenIssued, voidTokens } from '../one-time/store.ts'
import { isUniqueViolation } from '../storage/postgres.ts'
import { rowsOf } from '../storage/rows.ts'
import { findTenantOfHost } from '../tenants/store.ts'

type Storage = Pick<Context, 'db' | 'host' | 'callerOrigin' | 'fetchSite' | 'origin'> & Recorder

/** An account whose address is not proved. */
export const needsProof = sql`users.email_verified_at is null`

/**
 * Makes the two tokens of a change, in place of those of an earlier one.
 * @returns the caller, for `refuseUnless`, and whether the address is another than the account has
 */
export async function requestChange(
  ctx: Storage,
  caller: Caller,
  { email, oldToken, newToken }: { email: CanonicalEmail; oldToken: NewToken; newToken: NewToken },
): Promise<{ caller: CallerRow; changes: number }> {
  const changing = sql`select tenant_id, id as user_id, id::text as holder`
  const request = rowsOf(ctx.db, { ...CALLER, changes: v.number() })(sql`
    with ${callerOf(caller, ctx.host)},
    changing as (
      select users.* from users join caller on caller.user_id = users.id where users.email <> ${email}),
    asked_old as (${issueToken(oldToken, sql`${changing}, email as subject from changing`)}),
    asked_new as (${issueToken(newToken, sql`${changing}, ${email} as subject from changing`)}),
    old_recorded as (${recordEvent(ctx, 'email.change_requested', tokenIssued(sql`asked_old`))}),
    new_recorded as (
      ${recordEvent(ctx, 'email.change_confirmation_requested', tokenIssued(sql`asked_new`))})
    select ${callerRow}, (select count(*)::int from changing) as changes`)
  const [, [row]] = await ctx.db.batch([lockUser(ctx, caller.userId), request])
  return row ?? { caller: null, changes: 0 }
}

/**
 * Takes one confirmation; with the other one there, the account gets the new address, and the old one what undoes that.
 * @returns the host's tenant, and null when the token was not alive
 */
export async function confirmChange(ctx: Storage, hash: OneTimeTokenHash, revertToken: NewToken) {
  const confirm = rowsOf(ctx.db, { changes: v.number() })(sql`
    with token as (${consumeToken(ctx, hash, ['change_email_old', 'change_email_new'])}),
    pair as (
      select token.id, token.user_id, token.tenant_id,
        case token.purpose when 'change_email_old' then token.subject else other.subject end as old_email,
        case token.purpose when 'change_email_new' then token.subject else other.subject end as new_email
      from token join one_time_tokens as other
        on other.user_id = token.user_id and other.flow_id = token.flow_id and other.id <> token.id
      where other.consumed_at is not null and other.expires_at > clock_timestamp()),
    changed as (${changeAddress}),
    -- Until now they were at no one's account.
    failures_forgotten as (${forgetAttemptsAt(sql`(select tenant_id, new_email as email from changed)`)}),
    undoing as (${issueToken(
      revertToken,
      sql`select tenant_id, user_id, user_id::text || ' ' || old_email as holder, old_email as subject from changed`,
    )}),
    ${voidTokens(sql`changed`)},
    recorded as (${recordEvent(ctx, 'email.changed', tokenIssued(sql`undoing`))})
    select (select count(*)::int from changed) as changes from token`)
  try {
    const [, [row], [tenant]] = await ctx.db.batch([lockOwner(ctx, hash), confirm, findTenantOfHost(ctx)])
    return { tenant, changes: row?.changes ?? null }
  } catch (error) {
    // The unique index decides whether the address is free; then nothing of the statement has happened, the token included.
    if (isUniqueViolation(error, 'users')) return 'email_taken'
    throw error
  }
}
