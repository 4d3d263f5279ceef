/**
 * Ends the sessions of accounts that were secured, closed or signed out everywhere, as far as the statement that did it
 * left some (src/accounts/epoch-store.ts). They have been dead since then: this makes their rows, and so the lists and the
 * exports, say so. In batches that lock little; it may be run twice, at once, or be cut off.
 */
import type { JobContext } from '../context.ts'
import { endOldSessions, findEndingAccount, finishEnding } from './end-sessions-store.ts'

const BATCH = 1000
/** What is left then is the next minute's. */
const MAX_SECONDS = 30

/** One line, when there was something to do. */
export async function endSessionsLeft(ctx: JobContext): Promise<void> {
  const until = ctx.now().getTime() + MAX_SECONDS * 1000
  const isOver = () => ctx.now().getTime() >= until
  let [accounts, sessions] = [0, 0]
  let account = await findEndingAccount(ctx, null)
  while (account && !isOver()) {
    let after: string | null = null
    let isFinished = false
    while (!isFinished && !isOver()) {
      const { count, last } = await endOldSessions(ctx, account, { after, limit: BATCH })
      sessions += count
      after = last
      isFinished = count < BATCH
    }
    if (!isFinished) break
    await finishEnding(ctx, account)
    accounts += 1
    account = await findEndingAccount(ctx, account.id)
  }
  if (accounts > 0 || account)
    ctx.log(account ? 'warn' : 'info', 'sessions ended', { accounts, sessions, unfinished: account?.id })
}
