/**
 * Starts, once per run, what every test file shares: a real PostgreSQL with a migrated template database that holds a
 * signing key, and a folder for the Workers' bundles, of which nearly every file needs the all-in-one.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestProject } from 'vitest/node'
import { startNeonEndpoint } from '../../dev/neon-endpoint.ts'
import { startPostgres } from '../../dev/postgres.ts'
import { createOperatorContext } from '../../ops/context.ts'
import { newKeyringEntry } from '../../ops/keyring.ts'
import { migrateAll } from '../../ops/migrate.ts'
import { rotateSigningKeys } from '../../src/keys/rotation.ts'
import { requireBundle } from './bundles.ts'

export type Stack = {
  postgresPort: number
  template: string
  bundles: string
  signingSealKeys: string
}

declare module 'vitest' {
  interface ProvidedContext {
    stack: Stack
  }
}

export default async function setup(project: TestProject) {
  const folder = await mkdtemp(path.join(tmpdir(), 'latchkey-test-'))
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
  })
  return async () => {
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
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
