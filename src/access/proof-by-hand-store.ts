/** Proving an address on the word of an administrator or an operator, who knows its owner by other means than mail. */
import { sql } from 'drizzle-orm'
import type { JobContext } from '../context.ts'
import type { AnyRecorder } from '../events/outbox.ts'
import { doneBy } from '../guard/acting-store.ts'
import { proveAddress } from './proof-store.ts'
import { changeAccount, type Outcome, reasonOf, type Target } from './target-store.ts'

type Writer = Pick<JobContext, 'db'> & AnyRecorder

/**
 * As a mailed link would: for the first time, what was there before dies with it.
 * @param options.keeps nothing dies: the person who made the account is known to be the owner of the address
 */
export const proveByHand = (ctx: Writer, target: Target, { keeps }: { keeps: boolean }): Promise<Outcome> => {
  const { acting, reason } = target
  const by = { ...doneBy(acting), data: reasonOf(reason) }
  return changeAccount(ctx, target, {
    changed: sql`token`,
    members: sql`
      token as (
        select null::uuid as id, target.tenant_id, target.id as user_id, target.email as subject, target.email_verified_at
        from target where target.deleted_at is null and target.email_verified_at is null),
      ${proveAddress(ctx, 'administrator', sql`${keeps}::boolean`, by)}`,
  })
}
