/**
 * What @upstash/ratelimit tells Upstash's console, where LIMIT_ANALYTICS is on: how many requests of each operation
 * passed and were refused, by the hour. It says operations, never who called: a member for each address would let a
 * flood fill Redis, for the package itself deletes nothing.
 */
import type { Context } from '../context.ts'
import { createRedis, type Redis } from '../storage/redis.ts'
import { createTrips, upstreamFault } from '../storage/trips.ts'

export type Analytics = {
  operation: string
  /** The package's own client: all that it sends through it is one ZINCRBY. */
  redis: Redis
  defer(pending: Promise<unknown>): void
}

const KEPT_SECONDS = 90 * 86_400

/** Its trip is none of the request's: no caller waits for it, and it has its own deadline. */
export function analyticsOf(
  { settings, log, defer }: Pick<Context, 'settings' | 'log' | 'defer'>,
  operation: string,
): Analytics | null {
  if (!settings.limitAnalytics) return null
  const { redisTimeoutMs } = settings
  const trips = createTrips({ redis: redisTimeoutMs, postgres: redisTimeoutMs, request: 2 * redisTimeoutMs })
  const client = createRedis(settings.redis, trips)
  const zincrby: Redis['zincrby'] = async (key, increment, member) => {
    try {
      const score = await client.zincrby(key, increment, member)
      if (Number(score) === 1) await client.expire(key, KEPT_SECONDS)
      return score
    } catch (error) {
      // Here, because the package would print the client's own text, which repeats the command.
      log('warn', 'could not send limit analytics', { cause: upstreamFault('redis', error).message })
      return 0
    } finally {
      trips.endAll('redis')
    }
  }
  const redis: Redis = Object.create(client, { zincrby: { value: zincrby } })
  return { operation, redis, defer }
}
