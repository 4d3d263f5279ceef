/** What an operator's command uses: the same database client and settings as a Worker, from environment variables. */
import type { Bindings } from '../src/bindings.ts'
import type { Context } from '../src/context.ts'
import { readSettings, type Secret } from '../src/settings.ts'
import { createDatabase } from '../src/storage/postgres.ts'
import { createRedis } from '../src/storage/redis.ts'
import { createTrips } from '../src/storage/trips.ts'

export type OperatorContext = Pick<
  Context,
  'db' | 'auditDb' | 'redis' | 'trips' | 'settings' | 'now' | 'random'
>

/**
 * @param bindings `process.env` of the operator's shell
 * @param deadlines in milliseconds, per call and for the command as a whole
 */
export function createOperatorContext(
  bindings: Bindings,
  needed: readonly Secret[],
  deadlines = { postgres: 60_000, redis: 10_000, request: 600_000 },
): OperatorContext {
  const settings = readSettings(bindings, needed)
  const trips = createTrips(deadlines)
  return {
    settings,
    trips,
    db: createDatabase(settings.databaseUrl, trips),
    auditDb: createDatabase(settings.auditDatabaseUrl, trips),
    // Most commands are not given it; touching it then is a fault that names the setting.
    get redis() {
      return createRedis(settings.redis, trips)
    },
    now: () => new Date(),
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
  }
}

/** Ends the command with one readable line instead of a stack trace. */
export async function run(command: () => Promise<void>): Promise<void> {
  try {
    await command()
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  }
}
