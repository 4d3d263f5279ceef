/** The Workers' bundles as `wrangler deploy` would upload them: each is built once in a run, when it is first asked for. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { OFFLINE, WRANGLER } from '../../ops/build.ts'
import { withoutSettings } from '../../ops/child-environment.ts'
import { environmentOf, readWorkers } from '../../ops/routes.ts'

/** The Workers of wrangler.toml: the all-in-one is the environment without a name. */
export const WORKERS: readonly string[] = [...readWorkers().keys()].map(environmentOf)

const PATIENCE_MS = 120_000

export function bundleOf(folder: string, worker: string): string {
  return path.join(folder, worker === '' ? 'all-in-one' : worker)
}

/**
 * Builds a Worker of `source` below `folder`, unless it is there. Test files run in several processes: the one that makes
 * the lock builds, the others wait.
 * @returns the bundle's folder
 */
export async function requireBundle(folder: string, worker: string, source = '.'): Promise<string> {
  const bundle = bundleOf(folder, worker)
  const isOurs = await mkdir(`${bundle}.lock`).then(
    () => true,
    () => false,
  )
  if (isOurs) await build(bundle, worker, source)
  for (let waited = 0; !existsSync(bundle); waited += 100) {
    if (waited > PATIENCE_MS) throw new Error(`the bundle of ${worker || 'the all-in-one'} was not built`)
    await setTimeout(100)
  }
  return bundle
}

async function build(bundle: string, worker: string, source: string): Promise<void> {
  const unfinished = `${bundle}.unfinished`
  await promisify(execFile)(
    process.execPath,
    [WRANGLER, 'deploy', `--env=${worker}`, '--dry-run', '--outdir', path.resolve(unfinished)],
    { cwd: source, env: { ...withoutSettings(process.env), ...OFFLINE } },
  )
  await rename(unfinished, bundle)
}
