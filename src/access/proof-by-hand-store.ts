/** Proving an address on the word of an administrator or an operator, who knows its owner by other means than mail. */
import { sql } from 'drizzle-orm'
import type { JobContext } from '../context.ts'
import type { AnyRecorder } from '../events/outbox.ts'
import { actingOf, doneBy, lockTarget } from '../guard/acting-store.ts'
import { rowsOf } from '../storage/rows.ts'
import { proveAddress } from './proof-store.ts'
import { NOTHING, OUTCOME, type Outcome, outcomeOf, reasonOf, type Target, targetOf } from './target-store.ts'

type Writer = Pick<JobContext, 'db'> & AnyRecorder

/**
 * As a mailed link would: for the first time, what was there before dies with it.
 * @param options.keeps nothing dies: the person who made the account is known to be the owner of the address
 */
export async function proveByHand(
  ctx: Writer,
  { acting, userId, reason }: Target,
  { keeps }: { keeps: boolean },
): Promise<Outcome> {
  const by = { ...doneBy(acting), data: reasonOf(reason) }
  const decide = rowsOf(
    ctx.db,
    OUTCOME,
  )(sql`
    with ${actingOf(acting)},
    target as (${targetOf(userId)}),
    token as (
      select null::uuid as id, target.tenant_id, target.id as user_id, target.email as subject, target.email_verified_at
      from target where target.deleted_at is null and target.email_verified_at is null),
    ${proveAddress(ctx, 'administrator', sql`${keeps}::boolean`, by)}
    ${outcomeOf(sql`token`)}`)
  const [, [outcome]] = await ctx.db.batch([lockTarget(ctx, acting, userId), decide])
  return outcome ?? NOTHING
}
