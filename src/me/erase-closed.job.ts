/**
 * Erases closed accounts when their tenant's setting says so: what is personal goes, in every table and in the audit log,
 * and the id stays, so that it is never reused. Any number of runs may overlap or be cut off: an account is
 * marked as erased last, so whatever was left undone is done by the next hour's.
 */

import { eraseFromAudit } from '../audit/audit.ts'
import type { JobContext } from '../context.ts'
import { endOfRun, reportBacklog } from '../housekeeping/run.ts'
import { DELETED } from '../personal-data.ts'
import { Fault, faultOf } from '../problem.ts'
import { clearDueAccounts, type DueAccount, deleteErased, finishErasure } from './erasure-store.ts'

const BATCH = 50
const ROWS_AT_ONCE = 5_000

/** One line with how many were erased. A batch that fails, or has more than fits into a run, holds up no other. */
export async function eraseClosedAccounts(ctx: JobContext): Promise<void> {
  let [erased, failed, isFinished] = [0, 0, true]
  let after: DueAccount | null = null
  const endsAt = endOfRun(ctx)
  for (;;) {
    const due: DueAccount[] = await clearDueAccounts(ctx, { after, limit: BATCH })
    if (due.length === 0) break
    const userIds = due.map(({ id }) => id)
    try {
      // Half of what is left: an account with millions of sessions takes several runs, and others go meanwhile.
      const now = ctx.now().getTime()
      const ready = await deleteRows(ctx, userIds, now + (endsAt - now) / 2)
      erased += await erase(ctx, ready)
      if (ready.length < userIds.length) isFinished = false
    } catch (error) {
      ctx.log('error', 'could not erase accounts', { accounts: due.length, cause: faultOf(error).message })
      failed += due.length
    }
    after = due.at(-1) ?? null
    if (ctx.now().getTime() < endsAt) continue
    isFinished = false
    break
  }
  ctx.log(isFinished ? 'info' : 'warn', 'accounts erased', { accounts: erased, failed })
  const kind = ['erased_accounts']
  await reportBacklog(
    ctx,
    isFinished ? { finished: kind, unfinished: [] } : { finished: [], unfinished: kind },
  )
  if (failed > 0) throw new Fault('internal_error', `${failed} accounts were not erased`)
}

/** @returns those that have no rows any more; where not all did until then, each is tried alone, so that one holds up no other */
async function deleteRows(ctx: JobContext, userIds: string[], until: number): Promise<string[]> {
  if (await deleteAllRows(ctx, userIds, until)) return userIds
  const ready: string[] = []
  for (const userId of userIds) if (await deleteAllRows(ctx, [userId], 0)) ready.push(userId)
  return ready
}

/** What is declared, table by table. @returns whether all went until then; so many rows are tried in any case */
async function deleteAllRows(ctx: JobContext, userIds: string[], until: number): Promise<boolean> {
  for (const rows of DELETED)
    while ((await deleteErased(ctx, rows, userIds, ROWS_AT_ONCE)) === ROWS_AT_ONCE)
      if (ctx.now().getTime() >= until) return false
  return true
}

/** Of accounts that are already cleared, so that they cannot be restored in between. */
async function erase(ctx: JobContext, userIds: string[]): Promise<number> {
  if (userIds.length === 0) return 0
  await eraseFromAudit(ctx, ...userIds)
  return finishErasure(ctx, userIds)
}
