/**
 * Closes accounts that were never used: made by a registration or an invitation that waits for a proof of the address,
 * which never came (the tenant's `unproved_account_days`). Their addresses are other people's as likely as not, so those
 * become free, no one is mailed, and erasure follows. An account that was signed in to, or imported, is never among them.
 */
import type { JobContext } from '../context.ts'
import { endOfRun, reportBacklog } from '../housekeeping/run.ts'
import { closeNeverProved, findNeverProved } from './unproved-store.ts'

const BATCH = 50
const KIND = ['unproved_accounts']

/** One line with how many were closed. What fails is tried again by the next hour's. */
export async function closeUnprovedAccounts(ctx: JobContext): Promise<void> {
  const endsAt = endOfRun(ctx)
  let [closed, isFinished] = [0, false]
  do {
    const userIds = await findNeverProved(ctx, BATCH)
    const count = await closeNeverProved(ctx, userIds)
    closed += count
    // Where another run took them all, that one goes on.
    isFinished = userIds.length < BATCH || count === 0
  } while (!isFinished && ctx.now().getTime() < endsAt)
  ctx.log(isFinished ? 'info' : 'warn', 'unverified accounts closed', { accounts: closed })
  await reportBacklog(
    ctx,
    isFinished ? { finished: KIND, unfinished: [] } : { finished: [], unfinished: KIND },
  )
}
