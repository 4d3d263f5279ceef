/**
 * The SQL of giving an account back to its owner by a mailed link: one that was closed, or whose address was changed. What
 * opened it before does so no more, and an account that has the address by now and never proved it gives way.
 */
import { type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { EndReason } from '../accounts/epoch-store.ts'
import { reopen } from '../accounts/proof-store.ts'
import { userIsClosed, userIsNotErased } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import type { ChangeType } from '../events/catalogue.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import type { OneTimeTokenHash } from '../one-time/one-time-token.ts'
import type { OneTimePurpose } from '../one-time/purposes.ts'
import { consumeToken, lockOwner } from '../one-time/store.ts'
import { endedSessions } from '../sessions/ended-store.ts'
import { isUniqueViolation } from '../storage/postgres.ts'
import { rowsOf } from '../storage/rows.ts'
import { findTenantOfHost } from '../tenants/store.ts'
import type { TenantRow } from '../tenants/tenants.ts'
import { asksForOlder, closeUnproved, endAccess } from './store.ts'

type Way = {
  /** What the account must be, over `users`. */
  account: SQL
  reason: EndReason
  /** Whether the link's address is the account's own, or becomes so. */
  address: 'kept' | 'given'
  event: ChangeType
  data: SQL
  /** What was bound as a second factor since the link was made goes too. */
  unbinds: boolean
  /** Which of the account's other tokens are void; all but what undoes a change of address, unless given. */
  purposes?: SQL
}

const WAYS = {
  restore_account: {
    account: userIsClosed,
    reason: 'closed',
    address: 'kept',
    event: 'user.restored',
    data: sql`'{}'::jsonb`,
    unbinds: false,
  },
  // Also when the account was closed since, which a thief of it may have done.
  revert_email: {
    account: userIsNotErased,
    reason: 'secured',
    address: 'given',
    event: 'email.reverted',
    data: endedSessions,
    // Who changed the address may have added an app, which would keep the owner out of what is given back.
    unbinds: true,
    // Of what undoes changes, only that of later ones: a thief must not void the owner's by undoing a change of their own.
    purposes: sql`(one_time_tokens.purpose <> 'revert_email' or one_time_tokens.created_at > account.created_at)`,
  },
} as const satisfies Partial<Record<OneTimePurpose, Way>>

export type WayBack = keyof typeof WAYS

/**
 * Uses the link up and opens the account, in one batch. The unique index decides whether the address is free; where it is
 * not, nothing has happened, to the token neither.
 * @returns the host's tenant, and whether the token was alive
 */
export async function reopenAccount(
  ctx: Pick<Context, 'db' | 'host' | 'callerOrigin' | 'fetchSite' | 'origin'> & Recorder,
  hash: OneTimeTokenHash,
  purpose: WayBack,
): Promise<{ tenant: TenantRow | undefined; isAlive: boolean } | 'email_taken'> {
  const { account, reason, address, event, data, purposes, unbinds }: Way = WAYS[purpose]
  const happened = sql`select tenant_id, user_id as subject, ${data} as data from token`
  const give = rowsOf(ctx.db, { id: v.string() })(sql`
    with token as (${consumeToken(ctx, hash, [purpose], { account })}),
    ${endAccess(sql`token`, { reason, credentials: 'removed', unbinds, ...(purposes && { purposes }) })},
    reopened as (${reopen(reason, { address, ...(unbinds && { also: asksForOlder(sql`token`) }) })}),
    recorded as (${recordEvent(ctx, event, happened)})
    select id from token`)
  try {
    const free = closeUnproved(ctx, hash, purpose, account)
    const [, , rows, [tenant]] = await ctx.db.batch([lockOwner(ctx, hash), free, give, findTenantOfHost(ctx)])
    return { tenant, isAlive: rows.length === 1 }
  } catch (error) {
    if (isUniqueViolation(error, 'users')) return 'email_taken'
    throw error
  }
}
