/** The cheapest question to Redis; PostgreSQL is asked for the signing key (src/keys/store.ts). */
import type { Context } from '../context.ts'

export async function pingRedis({ redis, trips }: Pick<Context, 'redis' | 'trips'>): Promise<void> {
  await redis.ping().finally(() => trips.endAll('redis'))
}
