/**
 * Erases closed accounts when their tenant's setting says so: what is personal goes, in every table and in the audit log,
 * and the id stays, so that nobody is ever given it again. Any number of runs may overlap or be cut off: an account is
 * marked as erased last, so whatever was left undone is done by the next hour's.
 */
import type { JobContext } from '../context.ts'
import { eraseFromAudit } from '../events/audit.ts'
import { Fault, faultOf } from '../problem.ts'
import {
  clearDueAccounts,
  type DueAccount,
  deleteRecords,
  deleteRefreshTokens,
  deleteSessions,
  finishErasure,
} from './erasure-store.ts'

const BATCH = 50
/** What is left then is the next hour's. */
const MAX_BATCHES = 100
const TOKENS_AT_ONCE = 10_000
const SESSIONS_AT_ONCE = 5_000

/** One line with how many were erased. A batch that fails holds up no other. */
export async function eraseClosedAccounts(ctx: JobContext): Promise<void> {
  let [erased, failed] = [0, 0]
  let after: DueAccount | null = null
  for (let round = 0; round < MAX_BATCHES; round++) {
    const due: DueAccount[] = await clearDueAccounts(ctx, { after, limit: BATCH })
    if (due.length === 0) break
    try {
      erased += await erase(
        ctx,
        due.map(({ id }) => id),
      )
    } catch (error) {
      ctx.log('error', 'accounts not erased', { accounts: due.length, cause: faultOf(error).message })
      failed += due.length
    }
    after = due.at(-1) ?? null
  }
  ctx.log('info', 'accounts erased', { accounts: erased, failed })
  if (failed > 0) throw new Fault('internal_error', `${failed} accounts were not erased`)
}

/** Of accounts that are cleared already, so that nobody can take them back meanwhile. */
async function erase(ctx: JobContext, userIds: string[]): Promise<number> {
  while ((await deleteRefreshTokens(ctx, userIds, TOKENS_AT_ONCE)) === TOKENS_AT_ONCE);
  while ((await deleteSessions(ctx, userIds, SESSIONS_AT_ONCE)) === SESSIONS_AT_ONCE);
  await deleteRecords(ctx, userIds)
  await eraseFromAudit(ctx, ...userIds)
  return finishErasure(ctx, userIds)
}
