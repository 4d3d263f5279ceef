/** The SQL of inviting: the account that waits for its owner, and the token that is mailed to its address, together. */
import { sql } from 'drizzle-orm'
import type { CanonicalEmail } from '../accounts/accounts.ts'
import { insertUnlessThere } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import { newId, type Recorder, recordEvent } from '../events/outbox.ts'
import { CALLER, callerOf, callerRow } from '../guard/caller-store.ts'
import type { Admin, CallerRow } from '../guard/demands.ts'
import type { Kept } from '../guard/once.ts'
import { keepAnswer } from '../idempotency/store.ts'
import type { NewToken } from '../one-time/one-time.ts'
import { issueToken, tokenIssued } from '../one-time/store.ts'
import { isUniqueViolation } from '../storage/postgres.ts'
import { rowsOf } from '../storage/rows.ts'
import { oneTimeTokens } from '../storage/schema.ts'

export type Invitation = {
  email: CanonicalEmail
  name: string | null
  /** What accepting it grants. They wait with the token: nothing but the mailed link can bring them to an account. */
  roles: string[]
  token: NewToken
}

/**
 * Issues the invitation if the caller is an administrator. An address without an account gets one that nothing opens; of
 * an account that is there nothing changes until its owner accepts. A disabled one is left alone, and no one is told.
 */
export async function issueInvitation(
  ctx: Pick<Context, 'db' | 'host'> & Recorder,
  caller: Admin,
  { email, name, roles, token }: Invitation,
  kept: Kept,
): Promise<{ caller: CallerRow } | 'idempotency_key_in_use'> {
  const account = sql`
    select tenant_id, id as user_id, id::text as holder, email as subject from invitee where status = 'active'`
  const grants = sql`${sql.param(roles, oneTimeTokens.grants)}::text[]`
  const isKept = sql`exists (select from caller)`
  try {
    const [row] = await rowsOf(
      ctx.db,
      CALLER,
    )(sql`
      with ${callerOf(caller, ctx.host)},
      invitee as (${insertUnlessThere({ id: newId(ctx), email, name }, sql`caller`)}),
      ${kept ? sql`${keepAnswer(caller.tenant.id, kept.key, kept.sealed, sql`null`, isKept)},` : sql``}
      issued as (${issueToken(token, account, { grants })}),
      recorded as (${recordEvent(ctx, 'user.invited', tokenIssued(sql`issued`), { actor: sql`${caller.userId}::uuid` })})
      select ${callerRow}`)
    return row ?? { caller: null }
  } catch (error) {
    if (isUniqueViolation(error, 'idempotency_keys')) return 'idempotency_key_in_use'
    throw error
  }
}
