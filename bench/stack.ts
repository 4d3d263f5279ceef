/** What a measurement needs: its own PostgreSQL, Redis, endpoints, a tenant, a key, and the Workers' bundles. */
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { startNeonEndpoint } from '../dev/neon-endpoint.ts'
import { startPostgres } from '../dev/postgres.ts'
import { createRedisEngine } from '../dev/redis/engine.ts'
import { seed } from '../dev/seed.ts'
import { startUpstashEndpoint } from '../dev/upstash-endpoint.ts'
import { buildWorker, OFFLINE, WRANGLER } from '../ops/build.ts'
import { withoutSettings } from '../ops/child-environment.ts'
import { createOperatorContext } from '../ops/context.ts'
import { newKeyringEntry } from '../ops/keyring.ts'
import { migrateAll } from '../ops/migrate.ts'
import { ALL_IN_ONE, readWorkers } from '../ops/routes.ts'
import { tenantsCommand } from '../ops/tenants.ts'

/** The tenant's host; `seed` names it after a port, which need not be in use. */
export const HOST = 'localhost:8787'

/** What its API keys are made for. */
export const API_KEY_SCOPE = 'bench:read'

export type Stack = {
  folder: string
  /** Bundles in `folder`; `unlimited` is Latchkey without its limit check, which is never deployed. */
  bundles: { latchkey: string; unlimited: string; floor: string }
  databaseUrl: string
  ports: { neon: number; upstash: number }
  compatibilityDate: string
  /** Bindings of a Worker that reaches the endpoints, or proxies of them, at these ports. */
  bindingsFor(ports: { neon: number; upstash: number }): Record<string, string>
  /** Trips that the endpoints have answered so far. */
  trips(): { postgres: number; redis: number }
  stop(): Promise<void>
}

export async function startStack(): Promise<Stack> {
  const folder = await mkdtemp(path.join(tmpdir(), 'latchkey-bench-'))
  const bundles = {
    latchkey: path.join(folder, 'latchkey'),
    unlimited: path.join(folder, 'unlimited'),
    floor: path.join(folder, 'floor'),
  }
  const [postgres] = await Promise.all([
    // Without fsync: a disk of unknown speed would be measured instead.
    startPostgres({ dataDir: path.join(folder, 'postgres'), durable: false }),
    buildWorker(ALL_IN_ONE, bundles.latchkey)
      .then(() => buildBare('bench/floor.worker.js', bundles.floor))
      .then(() => buildUnlimited(path.join(folder, 'source'), bundles.unlimited)),
  ])
  const neon = await startNeonEndpoint({ postgresPort: postgres.port })
  const upstash = await startUpstashEndpoint({ engine: await createRedisEngine(), token: 'local' })
  const keys = { AUTH_KEYS: newKeyringEntry('k1'), SIGNING_SEAL_KEYS: newKeyringEntry('s1') }
  const bindingsFor: Stack['bindingsFor'] = (ports) => ({
    ENVIRONMENT: 'local',
    DATABASE_URL: `postgresql://latchkey:latchkey@127.0.0.1:${ports.neon}/latchkey`,
    UPSTASH_REDIS_REST_URL: `http://127.0.0.1:${ports.upstash}`,
    UPSTASH_REDIS_REST_TOKEN: 'local',
    LIMITS_MULTIPLIER: '1000000',
    MAX_HASHES_IN_FLIGHT: '1000',
    HASH_WAIT_MS: '60000',
    // A busy machine is to be seen in the numbers, not as errors.
    REDIS_TIMEOUT_MS: '10000',
    POSTGRES_TIMEOUT_MS: '20000',
    REQUEST_TIMEOUT_MS: '60000',
    ...keys,
  })
  const ports = { neon: neon.port, upstash: upstash.port }
  const operator = createOperatorContext(bindingsFor(ports), ['DATABASE_URL', 'SIGNING_SEAL_KEYS'])
  await migrateAll(operator)
  await seed(operator, Number(HOST.split(':')[1]))
  const quiet = { log: () => {}, error: () => {}, table: () => {} }
  await tenantsCommand(operator, ['set', 'default', `api_key_scopes=${API_KEY_SCOPE}`], quiet)
  return {
    folder,
    bundles,
    databaseUrl: postgres.url,
    ports,
    compatibilityDate: readWorkers().get(ALL_IN_ONE)?.compatibility_date ?? '',
    bindingsFor,
    trips: () => ({ postgres: neon.trips(), redis: upstash.trips() }),
    stop: async () => {
      await Promise.all([neon.stop(), upstash.stop()])
      await postgres.stop()
      // As root the data is elsewhere, where PostgreSQL's own user can reach it.
      for (const made of [postgres.dataDir, folder]) await rm(made, { recursive: true, force: true })
    },
  }
}

/** A Worker of this folder, built with the settings of wrangler.toml's top level. */
export const buildBare = (file: string, outdir: string, flags: string[] = []) =>
  runWrangler('.', [file, '--outdir', outdir, ...flags.flatMap((flag) => ['--compatibility-flags', flag])])

/** What the limit check costs is measured against a copy of the source in which it lets everything pass, untimed. */
async function buildUnlimited(copy: string, outdir: string): Promise<void> {
  for (const part of ['src', 'ops', 'wrangler.toml', 'package.json', 'tsconfig.json'])
    await cp(part, path.join(copy, part), { recursive: true })
  await symlink(path.resolve('node_modules'), path.join(copy, 'node_modules'))
  const check = path.join(copy, 'src/limits/check.ts')
  const source = await readFile(check, 'utf8')
  const open = source.replace(/(export async function checkLimits[^{]*?\{\}[^{]*\{)/, '$1 return null;')
  if (open === source) throw new Error('src/limits/check.ts has no checkLimits to take out')
  await writeFile(check, open)
  await runWrangler(copy, ['--outdir', outdir])
}

async function runWrangler(cwd: string, args: string[]): Promise<void> {
  const command = [WRANGLER, 'deploy', '--env=', '--dry-run', ...args]
  await promisify(execFile)(process.execPath, command, {
    cwd,
    env: { ...withoutSettings(process.env), ...OFFLINE },
  })
}
