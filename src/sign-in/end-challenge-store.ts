/** The SQL that ends a challenge: it is used up by the statement that begins the session that it took the place of. */
import { type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { Attempts } from '../accounts/attempts.ts'
import { ATTEMPTS, NO_ATTEMPTS } from '../accounts/attempts-store.ts'
import type { Context } from '../context.ts'
import type { Recorder } from '../events/outbox.ts'
import type { Refusal } from '../problem.ts'
import { rowsOf } from '../storage/rows.ts'
import { consumeChallenge, heldChallenge, lockChallenged } from './challenge-store.ts'
import { type Beginning, type Begun, readBegun } from './start.ts'
import { BEGUN, begin } from './start-store.ts'

/**
 * @param members of the `with`, after `challenge`: `proved` (`user_id`), which has a row where the second step is passed, and
 * `attempts`
 * @param besides members that need `consumed`, each with a comma after it
 * @param after members that need `started`, each with a comma before it
 * @returns what began, or null, and how attempts were
 */
export async function endChallenge(
  ctx: Pick<Context, 'db' | 'settings' | 'outcome'> & Recorder,
  { id, beginning }: { id: string; beginning: Beginning },
  { members, besides = sql``, after = sql`` }: { members: SQL; besides?: SQL; after?: SQL },
): Promise<{ begun: Begun | Refusal | null; attempts: Attempts }> {
  const decide = rowsOf(ctx.db, { ...ATTEMPTS, begun: v.unknown() })(sql`
    with ${heldChallenge(id)},
    ${members},
    consumed as (${consumeChallenge}),
    ${besides}
    ${begin(ctx, beginning, sql`select users.* from users join consumed on consumed.user_id = users.id`)}
    ${after}
    select ${BEGUN} as begun, coalesce(max(failures), 0) as failures, coalesce(max(wait_seconds), 0) as wait_seconds
    from attempts`)
  const [, [row]] = await ctx.db.batch([lockChallenged(ctx, id), decide])
  return { begun: readBegun(ctx, beginning, row?.begun), attempts: row ?? NO_ATTEMPTS }
}
