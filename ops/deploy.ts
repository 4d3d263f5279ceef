/**
 * `npm run deploy [-- <worker>…] [--dry-run]` — ships Workers to the Cloudflare account that wrangler is signed in to.
 * Without a name it ships the all-in-one Worker. Stops at the first that fails, and ends with wrangler's exit code.
 */
import { spawn } from 'node:child_process'
import { OFFLINE, WRANGLER } from './build.ts'
import { withoutSettings } from './child-environment.ts'
import { ALL_IN_ONE, environmentOf, patternsOf, type RawWorker, readWorkers } from './routes.ts'

/** The placeholder host that the repository ships with. */
const PLACEHOLDER = 'auth.example.com'

type Order = { workers: string[]; dryRun: boolean }

function readOrder(args: string[], known: string[]): Order {
  const { names = [], flags = [] } = Object.groupBy(args, (arg) => (arg.startsWith('-') ? 'flags' : 'names'))
  const unknownFlag = flags.find((flag) => flag !== '--dry-run')
  if (unknownFlag) throw new Error(`unknown option ${unknownFlag}; there is only --dry-run`)
  const unknown = names.find((name) => !known.includes(name))
  if (unknown) throw new Error(`wrangler.toml has no Worker ${unknown}; it has ${known.join(', ')}`)
  return { workers: names.length > 0 ? names : [ALL_IN_ONE], dryRun: flags.length > 0 }
}

/** @throws when a Worker would ask for a host that is not the operator's */
function refusePlaceholder(workers: string[], config: Map<string, RawWorker>): void {
  for (const worker of workers) {
    const pattern = patternsOf(config.get(worker) ?? {}).find((one) => one.split('/')[0] === PLACEHOLDER)
    if (pattern === undefined) continue
    const section = worker === ALL_IN_ONE ? 'the top level' : `[env.${worker}]`
    throw new Error(
      `wrangler.toml still has the placeholder route "${pattern}" in ${section}.\n` +
        `Put your own host in place of ${PLACEHOLDER} everywhere in wrangler.toml, and your zone in place of example.com.`,
    )
  }
}

/** @returns wrangler's exit code. A dry run connects to nothing. */
function runWrangler(args: string[], dryRun: boolean): Promise<number> {
  console.log(`wrangler ${args.join(' ')}`)
  const env = { ...withoutSettings(process.env), ...(dryRun && OFFLINE) }
  const child = spawn(process.execPath, [WRANGLER, ...args], { stdio: 'inherit', env })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve(code ?? 1))
  })
}

async function main(): Promise<number> {
  const config = readWorkers()
  const { workers, dryRun } = readOrder(process.argv.slice(2), [...config.keys()])
  if (!dryRun) refusePlaceholder(workers, config)
  for (const worker of workers) {
    const args = ['deploy', `--env=${environmentOf(worker)}`, ...(dryRun ? ['--dry-run'] : [])]
    const code = await runWrangler(args, dryRun)
    if (code !== 0) return code
  }
  return 0
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
