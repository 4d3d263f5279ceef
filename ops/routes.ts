/**
 * `npm run routes` — which Worker answers what: the route table, read from the Workers' own code, and the Workers that
 * wrangler.toml deploys. Both in one place, so that the build, the deploy and the tests cannot disagree about them.
 *   node ops/routes.ts [--json]
 */
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { experimental_readRawConfig, type Unstable_RawConfig } from 'wrangler'
import type { Description } from '../src/description.ts'

/** How the command line calls the top level of wrangler.toml, which wrangler calls the environment ''. */
export const ALL_IN_ONE = 'all-in-one'

export type Operation = { method: string; path: string }

/** What a Worker's entry point exports. */
export type WorkerCode = { main: string; operations: Operation[]; secrets: string[] }

export type RawWorker = Omit<Unstable_RawConfig, 'env'>

/** @returns wrangler.toml as it is written, nothing inherited: the all-in-one first, then each `[env.<worker>]` */
export function readWorkers(configPath = 'wrangler.toml'): Map<string, RawWorker> {
  const { env = {}, ...topLevel } = experimental_readRawConfig({ config: configPath }).rawConfig
  return new Map<string, RawWorker>([[ALL_IN_ONE, topLevel], ...Object.entries(env)])
}

/** The value of wrangler's `--env` for a Worker. */
export const environmentOf = (worker: string): string => (worker === ALL_IN_ONE ? '' : worker)

/** The route patterns of a Worker, e.g. `auth.example.com/v1/me*`. */
export function patternsOf({ route, routes = [] }: RawWorker): string[] {
  const all = route === undefined ? routes : [route, ...routes]
  return all.map((one) => (typeof one === 'string' ? one : one.pattern))
}

/**
 * Whether a route pattern takes a request for `path`, whatever the host. Without a path (a custom domain) it takes all;
 * a `*` is allowed only at the end, and matches the empty text too.
 */
export function covers(pattern: string, path: string): boolean {
  const slash = pattern.indexOf('/')
  if (slash === -1) return true
  const wanted = pattern.slice(slash)
  return wanted.endsWith('*') ? path.startsWith(wanted.slice(0, -1)) : path === wanted
}

/** Loads a Worker's entry point, in Node, and asks it for its operations and its secrets. */
export async function readWorkerCode(main: string): Promise<WorkerCode> {
  const { operations, secrets } = await loadWorker(main)
  return { main, operations: operations.map(({ method, path }) => ({ method, path })), secrets: [...secrets] }
}

/** The Worker's own module, with the descriptions of its operations. */
export async function loadWorker(main: string): Promise<Entry> {
  // Wrangler bundles *.txt as text and *.wasm as a compiled module; here Node learns the same.
  const hooks = registerHooks({
    load(url, context, nextLoad) {
      if (!url.endsWith('.txt') && !url.endsWith('.wasm')) return nextLoad(url, context)
      const source = url.endsWith('.txt')
        ? `export default ${JSON.stringify(readFileSync(fileURLToPath(url), 'utf8'))}`
        : `import { readFileSync } from 'node:fs'
           export default new WebAssembly.Module(readFileSync(new URL(${JSON.stringify(url)})))`
      return { format: 'module', source, shortCircuit: true }
    },
  })
  try {
    const entry: unknown = await import(new URL(`../${main}`, import.meta.url).href)
    if (!isEntry(entry)) throw new Error(`${main} does not export operations and secrets`)
    return entry
  } finally {
    hooks.deregister()
  }
}

type Entry = { operations: Description[]; secrets: string[] }

function isEntry(entry: unknown): entry is Entry {
  return (
    typeof entry === 'object' &&
    entry !== null &&
    'operations' in entry &&
    Array.isArray(entry.operations) &&
    'secrets' in entry &&
    Array.isArray(entry.secrets)
  )
}

async function main(): Promise<void> {
  const table: Record<string, WorkerCode> = {}
  for (const [worker, { main }] of readWorkers()) {
    if (main === undefined) throw new Error(`wrangler.toml states no main for ${worker}`)
    table[worker] = await readWorkerCode(main)
  }
  if (process.argv.includes('--json')) return console.log(JSON.stringify(table))
  for (const [worker, { operations }] of Object.entries(table)) {
    console.log(worker)
    for (const { method, path } of operations) console.log(`  ${method.padEnd(6)} ${path}`)
  }
}

if (import.meta.main) await main()
