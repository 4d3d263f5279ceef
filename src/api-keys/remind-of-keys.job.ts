/**
 * Reminds of API keys that end within a week: the owner or, of the tenant's, the administrators. The event is mailed, and goes
 * to webhooks. It may be run twice, at once, or be cut off: a key is taken with its event, and once.
 */
import type { JobContext } from '../context.ts'
import { remindOfNext } from './remind-store.ts'

const BATCH = 100
/** What is left then is the next hour's. */
const MAX_SECONDS = 30

/** One line, when there was something to tell. */
export async function remindOfKeys(ctx: JobContext): Promise<void> {
  const until = ctx.now().getTime() + MAX_SECONDS * 1000
  let [total, last] = [0, BATCH]
  while (last === BATCH && ctx.now().getTime() < until) {
    last = await remindOfNext(ctx, { limit: BATCH })
    total += last
  }
  if (total > 0) ctx.log('info', 'reminded of API keys that end soon', { keys: total })
}
