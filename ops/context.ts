/** What an operator's command uses: the same database client and settings as a Worker, from environment variables. */
import type { Bindings } from '../src/bindings.ts'
import type { JobContext } from '../src/context.ts'
import { faultOf } from '../src/problem.ts'
import { readSettings, type Secret } from '../src/settings.ts'
import { createDatabase } from '../src/storage/postgres.ts'
import { createRedis } from '../src/storage/redis.ts'
import { createTrips } from '../src/storage/trips.ts'
import { useLocalStack } from './local-stack.ts'

export type OperatorContext = Pick<
  JobContext,
  'db' | 'auditDb' | 'redis' | 'trips' | 'settings' | 'now' | 'random' | 'client' | 'happened'
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
    client: null,
    happened: { recorded: [] },
    now: () => new Date(),
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
  }
}

/** Where a command prints: results to `log` and `table` (stdout), what it says about them to `error` (stderr). */
export type Output = Pick<Console, 'log' | 'error' | 'table'>

/** Runs a command, on the local stack with `--local`; what fails is one readable line, and the exit code 1. */
export async function run(command: () => Promise<void>): Promise<void> {
  try {
    useLocalStack(process.argv, process.env)
    await command()
  } catch (error) {
    console.error(lineOf(error))
    process.exitCode = 1
  }
}

/** What a failure says to an operator. A library's own text has queries, parameters and addresses, so it is never shown. */
export function lineOf(error: unknown): string {
  const isOurs = error instanceof Error && error.constructor === Error && !('code' in error)
  if (isOurs) return error.message
  if (isOfSystem(error)) return `${error.path ?? 'a file'} cannot be read (${error.code})`
  if (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'))
    return error.message
  const { message } = faultOf(error)
  const advice = ADVICE.find(([pattern]) => pattern.test(message))?.[1]
  return advice ? `${message}: ${advice}` : message
}

const isOfSystem = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'syscall' in error && 'code' in error && 'path' in error

const ADVICE: [RegExp, string][] = [
  [/DATABASE_URL is missing/, 'give it in the environment, or add --local for the database of npm run dev'],
  [/DATABASE_URL is a local address/, 'add --local for the database of npm run dev'],
  [
    /^postgres could not be reached|^postgres did not answer/,
    'DATABASE_URL must be a connection string of Neon, which is asked over HTTPS; add --local for npm run dev',
  ],
]
