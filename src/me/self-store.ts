/** The SQL of what people change about themselves. */
import { sql } from 'drizzle-orm'
import type { Self } from '../accounts/accounts.ts'
import { userIsActive } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import type { Caller } from '../guard/caller.ts'
import { callerIsLive } from '../guard/caller-store.ts'

/** What a person may change about themselves; what is absent stays. */
export type SelfChanges = { name?: string | null; locale?: string | null; operational_mail?: boolean }

/** Changes the caller's account in one statement. @returns the account, or null when the caller's session is not live */
export async function updateCaller(
  ctx: Pick<Context, 'db' | 'host'> & Recorder,
  caller: Caller,
  changes: SelfChanges,
): Promise<Self | null> {
  const { name, locale, operational_mail: mail } = changes
  const happened = sql`select tenant_id, id as subject,
    jsonb_build_object('fields', ${JSON.stringify(Object.keys(changes))}::jsonb) as data from updated`
  const { rows } = await ctx.db.execute<UpdatedRow>(sql`
    with caller as (${callerIsLive(caller, ctx.host)}),
    updated as (
      update users set name = ${name === undefined ? sql`users.name` : sql`${name}`},
        locale = ${locale === undefined ? sql`users.locale` : sql`${locale}`},
        operational_mail = ${mail === undefined ? sql`users.operational_mail` : sql`${mail}`}
      from caller
      where users.id = caller.user_id and users.tenant_id = caller.tenant_id and ${userIsActive} returning users.*),
    recorded as (${recordEvent(ctx, 'user.updated', happened)})
    select id, email, email_verified_at, name, locale, operational_mail, roles from updated`)
  const [row] = rows
  if (!row) return null
  const { email_verified_at, operational_mail: operationalMail, ...user } = row
  const emailVerifiedAt = email_verified_at === null ? null : new Date(email_verified_at)
  return { ...user, emailVerifiedAt, operationalMail }
}

type UpdatedRow = Omit<Self, 'emailVerifiedAt' | 'operationalMail'> & {
  email_verified_at: string | null
  operational_mail: boolean
}
