/** The cheapest question to each part that we depend on. */
import { sql } from 'drizzle-orm'
import type { Context } from '../context.ts'

export async function pingPostgres({ db }: Pick<Context, 'db'>): Promise<void> {
  await db.execute(sql`select 1`)
}

export async function pingRedis({ redis, trips }: Pick<Context, 'redis' | 'trips'>): Promise<void> {
  await redis.ping().finally(() => trips.endAll('redis'))
}
