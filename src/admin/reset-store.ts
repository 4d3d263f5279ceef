/** The SQL of mailing a reset to the owner of an account, at the wish of those who administer it. */
import { sql } from 'drizzle-orm'
import { changeAccount, type Outcome, reasonOf, type Target } from '../access/target-store.ts'
import type { Context } from '../context.ts'
import { type AnyRecorder, recordEvent } from '../events/outbox.ts'
import { doneBy } from '../guard/acting-store.ts'
import type { NewToken } from '../one-time/one-time.ts'
import { issueToken } from '../one-time/store.ts'

/** It takes the place of a link that was asked for before; one that a known browser asked for stays. */
export const issueReset = (
  ctx: Pick<Context, 'db'> & AnyRecorder,
  target: Target,
  token: NewToken,
): Promise<Outcome> => {
  const { acting, reason } = target
  const account = sql`
    select tenant_id, id as user_id, id::text as holder, email as subject from target
    where status = 'active' and deleted_at is null`
  const happened = sql`
    select tenant_id, user_id as subject, jsonb_build_object('token_id', id) || ${reasonOf(reason)} as data from issued`
  return changeAccount(ctx, target, {
    changed: sql`issued`,
    members: sql`
      issued as (${issueToken(token, account)}),
      recorded as (${recordEvent(ctx, 'password.reset_sent', happened, doneBy(acting))})`,
  })
}
