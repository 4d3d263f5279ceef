/** The sealed list in Redis of attempts that the queue did not take, or gave up. */
import type { JobContext } from '../context.ts'
import { isUnknownKeyError } from '../crypto/keyring.ts'
import { open, seal } from '../crypto/sealing.ts'
import { faultOf } from '../problem.ts'
import { REDIS_KEYS } from '../storage/redis.ts'
import { type Attempt, parseMessage } from './messages.ts'

const MAX_SPILLED = 10_000
const SPILLED_SECONDS = 7 * 86_400

/**
 * Sealed, because Redis is run by a third party; capped, because an attacker chooses how many there are.
 * @returns whether the list has them now
 */
export async function spill(
  ctx: Pick<JobContext, 'redis' | 'settings' | 'trips' | 'random' | 'log'>,
  attempts: Attempt[],
): Promise<boolean> {
  if (attempts.length === 0) return true
  try {
    const sealed = await Promise.all(attempts.map((attempt) => sealSpilled(ctx, attempt)))
    const pipeline = ctx.redis.pipeline()
    pipeline.rpush(REDIS_KEYS.spilledEvents, ...sealed)
    pipeline.ltrim(REDIS_KEYS.spilledEvents, -MAX_SPILLED, -1)
    pipeline.expire(REDIS_KEYS.spilledEvents, SPILLED_SECONDS)
    const [length] = await pipeline.exec<[number, string, number]>()
    if (length > MAX_SPILLED)
      ctx.log('error', 'ALARM: spilled events dropped, the list is full', { events: length - MAX_SPILLED })
    return true
  } catch (error) {
    ctx.log('warn', 'could not spill events', { cause: error instanceof Error ? error.name : 'unknown' })
    return false
  } finally {
    ctx.trips.endAll('redis')
  }
}

export const sealSpilled = (
  { settings, random }: Pick<JobContext, 'settings' | 'random'>,
  attempt: Attempt,
): Promise<string> =>
  seal(
    settings.authKeys,
    'seal:event',
    new TextEncoder().encode(JSON.stringify(attempt)),
    REDIS_KEYS.spilledEvents,
    random,
  )

/** The last resort, so it says all that may be said: no address, no device. */
export function reportLost({ log }: Pick<JobContext, 'log'>, attempts: readonly Attempt[]): void {
  for (const { client, host, ...attempt } of attempts)
    log('error', 'event lost', {
      event_id: attempt.id,
      event: attempt.type,
      subject: attempt.subject,
      data: JSON.stringify(attempt.data),
      of_request: client.request_id,
      occurred_at: attempt.occurred_at,
      host,
    })
}

export const isTooOld = ({ now }: JobContext, { occurred_at }: Attempt) =>
  new Date(occurred_at).getTime() < now().getTime() - SPILLED_SECONDS * 1000

/** @returns null for what nothing will ever open, `locked` for what waits for a key that this Worker lacks */
export async function openSpilled(
  { settings, log }: JobContext,
  sealed: string,
): Promise<Attempt | 'locked' | null> {
  try {
    const opened = await open(settings.authKeys, 'seal:event', sealed, REDIS_KEYS.spilledEvents)
    const content = opened && parseMessage({ attempt: JSON.parse(new TextDecoder().decode(opened)) })
    if (content && 'attempt' in content) return content.attempt
  } catch (error) {
    log('error', 'could not read spilled event', { cause: faultOf(error).message })
    if (isUnknownKeyError(error)) return 'locked'
  }
  return null
}
