/** When a delivery that failed is tried again. */
import type { Context } from '../context.ts'

const MINUTE = 60
const HOUR = 3600

/** Seconds after the first failure, the second, …; after one more than these the delivery is dead. */
const RETRIES = [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 24 * HOUR]
/** Up to a tenth more or less, so that what failed together does not come back together. */
const JITTER = 0.1

/**
 * @param failures so far, this one included
 * @param retryAfterSeconds what the receiver asked for: waited for if it is longer
 * @returns seconds until the next attempt, or null when there is none
 */
export function nextAttemptSeconds(
  { random }: Pick<Context, 'random'>,
  failures: number,
  retryAfterSeconds: number,
): number | null {
  const seconds = RETRIES[failures - 1]
  if (seconds === undefined) return null
  const [byte = 0] = random(1)
  const jittered = seconds * (1 + JITTER * ((2 * byte) / 255 - 1))
  return Math.max(jittered, retryAfterSeconds)
}
