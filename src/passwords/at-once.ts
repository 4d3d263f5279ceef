/**
 * Attempts to sign in or to register that an isolate takes on at a time. A burst is refused before it asks PostgreSQL or
 * Redis anything, so that it keeps neither them nor the one thread from the others.
 */
import type { Context } from '../context.ts'
import { hashSlots } from '../crypto/hash-slots.ts'
import { Fault } from '../problem.ts'

/**
 * Does `work` as one of few attempts: for each hash that the isolate takes on four in all, which may be waiting for
 * PostgreSQL, and a quarter at one account, two at least.
 * @param account whether or not there is one
 * @throws Fault `overloaded`
 */
export async function fewAtOnce<T>(
  { settings, now, defer }: Pick<Context, 'settings' | 'now' | 'defer'>,
  account: string,
  work: () => Promise<T>,
): Promise<T> {
  const { maxHashesInFlight } = settings
  const [mostInAll, mostOfAccount] = [4 * maxHashesInFlight, Math.max(2, Math.floor(maxHashesInFlight / 4))]
  const at = now().getTime()
  const ofAll = hashSlots.take(at, mostInAll)
  if (!ofAll) throw new Fault('overloaded', `${mostInAll} attempts are under way`)
  const ofAccount = hashSlots.take(at, mostOfAccount, account)
  if (!ofAccount) {
    ofAll()
    throw new Fault('overloaded', `${mostOfAccount} attempts at one account are under way`)
  }
  const working = work().finally(() => {
    ofAll()
    ofAccount()
  })
  // Also when the client is gone: else whoever hangs up at once would keep the places.
  defer(
    working.then(
      () => {},
      () => {},
    ),
  )
  return working
}
