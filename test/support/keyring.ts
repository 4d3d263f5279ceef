/** The deployment's keys, as `npm run keys` lists and leaves them. */
import { execFile } from 'node:child_process'
import { BARE_SHELL } from './bare-shell.ts'
import type { Backend, Service } from './service.ts'

/** Nothing is under these keys any more, and no Worker needs them. */
export const retireKeys = ({ sql }: Pick<Backend, 'sql'>, ...keyIds: string[]) =>
  sql('delete from auth_keys where key_id = any($1)', [keyIds])

/** `npm run keys -- <args>` in a shell with this service's database. */
export async function runKeys({ bindings }: Pick<Service, 'bindings'>, args: string[], sealKeys?: string) {
  const env = {
    ...BARE_SHELL,
    ENVIRONMENT: 'local',
    DATABASE_URL: bindings.DATABASE_URL,
    SIGNING_SEAL_KEYS: sealKeys ?? bindings.SIGNING_SEAL_KEYS,
  }
  // Not `spawnSync`: the database's endpoint is in this process.
  return new Promise<{ status: number; printed: string }>((resolve) => {
    const child = execFile(process.execPath, ['ops/keys.ts', ...args], { env }, (_, stdout, stderr) =>
      resolve({ status: child.exitCode ?? 1, printed: stdout + stderr }),
    )
  })
}
