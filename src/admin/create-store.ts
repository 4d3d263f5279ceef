/** The SQL of creating an account for a person, by an administrator. */
import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import { reasonOf } from '../access/target-store.ts'
import type { CanonicalEmail } from '../accounts/accounts.ts'
import { insertUsers } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import { CALLER, callerOf, callerRow } from '../guard/caller-store.ts'
import type { Admin, CallerRow } from '../guard/demands.ts'
import type { Kept } from '../guard/once.ts'
import { keepAnswer } from '../idempotency/store.ts'
import { isUniqueViolation } from '../storage/postgres.ts'
import { rowsOf } from '../storage/rows.ts'
import { users } from '../storage/schema.ts'

export type CreatedAccount = {
  id: string
  email: CanonicalEmail
  isProved: boolean
  name: string | null
  locale: string | null
  roles: string[]
  reason: string | undefined
}

/** The unique index decides whether the address is free; an answer is kept where it was. */
export async function insertAccount(
  ctx: Pick<Context, 'db' | 'host'> & Recorder,
  caller: Admin,
  { id, email, isProved, name, locale, roles, reason }: CreatedAccount,
  kept: Kept,
): Promise<{ caller: CallerRow } | 'email_taken' | 'idempotency_key_in_use'> {
  const entry = sql`(
    select ${id}::uuid as id, caller.tenant_id, ${email}::text as email, ${isProved}::boolean as email_verified,
      false as disabled, false as has_second_factor, ${name}::text as name, ${locale}::text as locale, null::text as external_id,
      ${sql.param(roles, users.roles)}::text[] as roles
    from caller) as entry`
  const happened = sql`select tenant_id, id as subject, ${reasonOf(reason)} as data from made`
  const isMade = sql`exists (select from made)`
  try {
    const [row] = await rowsOf(ctx.db, { ...CALLER, isTaken: v.boolean() })(sql`
      with ${callerOf(caller, ctx.host)},
      made as (${insertUsers(entry)}),
      ${kept ? sql`${keepAnswer(caller.tenant.id, kept.key, kept.sealed, sql`null`, isMade)},` : sql``}
      recorded as (${recordEvent(ctx, 'user.created', happened, { actor: sql`${caller.userId}::uuid` })})
      select ${callerRow}, exists (select from caller) and not ${isMade} as is_taken`)
    if (!row) return { caller: null }
    return row.isTaken ? 'email_taken' : row
  } catch (error) {
    if (isUniqueViolation(error, 'idempotency_keys')) return 'idempotency_key_in_use'
    throw error
  }
}
