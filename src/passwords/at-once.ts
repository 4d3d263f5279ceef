/**
 * Attempts to sign in or to register that an isolate takes on at a time. A burst is refused before it asks PostgreSQL or
 * Redis anything, and hears so a little later, so that it keeps neither them nor the one thread from the others; what is
 * taken on of it hashes after the others (hashing.ts).
 */
import type { Context } from '../context.ts'
import { hashSlots } from '../crypto/hash-slots.ts'
import { Fault } from '../problem.ts'

/** Of what the isolate takes on, this much is kept for browsers that are known to the account they name. */
const KEPT_FOR_KNOWN = 1 / 4

/** How many of `most` an attempt may be one of. */
export const shareOf = (most: number, { isKnown }: Pick<Context['attempt'], 'isKnown'>): number =>
  isKnown ? most : most - Math.floor(most * KEPT_FOR_KNOWN)

/**
 * Half of what a refused request costs is its answer, and two hundred answers cost as much as a hash: what has been taken on
 * goes first. Callers who try again at once are slowed down by it, too.
 */
const REFUSED_AFTER_MS = 200

async function refuseLater(cause: string): Promise<never> {
  await scheduler.wait(REFUSED_AFTER_MS)
  throw new Fault('overloaded', cause)
}

/**
 * Does `work` as one of few attempts: for each hash that the isolate takes on four in all, which may be waiting for
 * PostgreSQL, and a quarter at one account, two at least.
 * @param attempt.account whether or not there is one
 * @param attempt.isKnown whether the browser has proved that it signed in to it before
 * @throws Fault `overloaded`
 */
export async function fewAtOnce<T>(
  ctx: Pick<Context, 'settings' | 'now' | 'defer' | 'attempt'>,
  attempt: { account: string; isKnown: boolean },
  work: () => Promise<T>,
): Promise<T> {
  const { maxHashesInFlight } = ctx.settings
  const mostInAll = shareOf(4 * maxHashesInFlight, attempt)
  const mostOfAccount = Math.max(2, Math.floor(maxHashesInFlight / 4))
  const at = ctx.now().getTime()
  const ofAll = hashSlots.take(at, mostInAll)
  if (!ofAll) return refuseLater(`${mostInAll} attempts are under way`)
  const ofAccount = hashSlots.take(at, mostOfAccount, attempt.account)
  if (!ofAccount) {
    ofAll()
    return refuseLater(`${mostOfAccount} attempts at one account are under way`)
  }
  Object.assign(ctx.attempt, attempt)
  const working = work().finally(() => {
    ofAll()
    ofAccount()
  })
  // Also when the client is gone: a client that disconnects early would otherwise keep its place.
  ctx.defer(
    working.then(
      () => {},
      () => {},
    ),
  )
  return working
}
