/**
 * Starts, once per run, what every test file shares: a real PostgreSQL with a migrated template database that holds a
 * signing key, and a folder for the Workers' bundles, of which nearly every file needs the all-in-one.
 */
import { chmod, mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestProject } from 'vitest/node'
import { unstable_getMiniflareWorkerOptions, unstable_readConfig } from 'wrangler'
import { startNeonEndpoint } from '../../dev/neon-endpoint.ts'
import { startPostgres } from '../../dev/postgres.ts'
import { createOperatorContext } from '../../ops/context.ts'
import { newKeyringEntry } from '../../ops/keyring.ts'
import { migrateAll } from '../../ops/migrate.ts'
import { rotateSigningKeys } from '../../src/keys/rotation.ts'
import { requireBundle, WORKERS } from './bundles.ts'

export type Stack = {
  postgresPort: number
  template: string
  bundles: string
  signingSealKeys: string
  /** By the name of the environment. */
  workers: Record<string, WorkerConfig>
}

/** What wrangler.toml says of a Worker. */
export type WorkerConfig = {
  worker: string
  name: string
  /** The file that its bundle begins with. */
  entry: string
  /** The secrets that it requires. */
  secrets: string[]
  /** In Miniflare's words. */
  options: { bindings?: object; queueProducers?: object; ratelimits?: object; routes: string[] }
}

declare module 'vitest' {
  interface ProvidedContext {
    stack: Stack
  }
}

export default async function setup(project: TestProject) {
  const folder = await mkdtemp(path.join(await scratch(), 'latchkey-test-'))
  await chmod(folder, 0o755) // or PostgreSQL, which never runs as root, would keep its data elsewhere
  const [postgres] = await Promise.all([
    startPostgres({ dataDir: path.join(folder, 'postgres'), durable: false }),
    requireBundle(folder, ''),
  ])
  const signingSealKeys = newKeyringEntry('s1')
  await fillTemplate(postgres.port, signingSealKeys)
  project.provide('stack', {
    postgresPort: postgres.port,
    template: 'latchkey',
    bundles: folder,
    signingSealKeys,
    workers: Object.fromEntries(WORKERS.map((worker) => [worker, readWorker(worker)])),
  })
  return async () => {
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Bundles and databases take less than half of it. */
const ROOM_BYTES = 4 * 2 ** 30

/** Memory where a machine offers it: a database is a thousand files, and a disk takes longer to make them than PostgreSQL. */
async function scratch(): Promise<string> {
  const memory = '/dev/shm'
  const { bavail, bsize } = await statfs(memory).catch(() => ({ bavail: 0, bsize: 0 }))
  return bavail * bsize > ROOM_BYTES ? memory : tmpdir()
}

/** Read once per run: no test file needs wrangler, which takes longer to load than to answer. */
function readWorker(worker: string): WorkerConfig {
  const config = unstable_readConfig({ config: 'wrangler.toml', env: worker }, { hideWarnings: true })
  const { queueConsumers: _, ...options } = unstable_getMiniflareWorkerOptions(
    { ...config, secrets: undefined }, // a service gives its Workers their secrets itself
    worker,
  ).workerOptions
  return {
    worker,
    name: config.name ?? '',
    entry: `${path.parse(config.main ?? '').name}.js`,
    secrets: config.secrets?.required ?? [],
    options: {
      ...options,
      bindings: config.vars, // and nothing of a `.dev.vars`
      routes: (config.routes ?? []).map((route: string | { pattern: string }) =>
        typeof route === 'string' ? route : route.pattern,
      ),
    },
  }
}

async function fillTemplate(postgresPort: number, signingSealKeys: string): Promise<void> {
  const neon = await startNeonEndpoint({ postgresPort })
  const ctx = createOperatorContext(
    {
      ENVIRONMENT: 'local',
      DATABASE_URL: `postgresql://latchkey:latchkey@127.0.0.1:${neon.port}/latchkey`,
      SIGNING_SEAL_KEYS: signingSealKeys,
    },
    ['DATABASE_URL', 'SIGNING_SEAL_KEYS'],
  )
  await migrateAll(ctx)
  await rotateSigningKeys(ctx, { algorithm: 'EdDSA' })
  await neon.stop()
}
