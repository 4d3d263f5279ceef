/**
 * One Worker of the product in a workerd of its own, with nothing of Miniflare's around it. What the platform gives a
 * Worker besides the network (its cache, its rate limits, its queues) are Workers of the tests in the same workerd.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { endWithParent } from '../../dev/postgres-shutdown.ts'
import { withoutSettings } from '../../ops/child-environment.ts'
import { createDirectFetch } from './direct.ts'
import type { QueueOutcome, Workerd, WorkerOptions } from './workerd.ts'

/** What is known of a caller where a request does not say more: Miniflare's own, which asks the network for it first. */
const CF = {
  asOrganization: '',
  asn: 395747,
  colo: 'DFW',
  city: 'Austin',
  region: 'Texas',
  regionCode: 'TX',
  country: 'US',
  continent: 'NA',
  timezone: 'America/Chicago',
  httpProtocol: 'HTTP/1.1',
  tlsVersion: 'TLSv1.3',
}

/** The sockets: the Worker itself, the same for a caller of whom no one says anything, and what the platform does. */
const SOCKETS = ['direct', 'entry', 'platform'] as const

/**
 * @param workers the Worker, and those that stand in for its bindings
 * @param folder where its configuration may be written
 */
export async function startBareWorkerd(workers: WorkerOptions[], folder: string): Promise<Workerd> {
  const home = await mkdtemp(path.join(folder, 'workerd-'))
  const file = path.join(home, 'workerd.capnp')
  await writeFile(file, configurationOf(workers, home))
  const child = spawn(
    createRequire(import.meta.url)('workerd').default,
    ['serve', '--experimental', '--control-fd=3', file],
    { stdio: ['ignore', 'pipe', 'pipe', 'pipe'], env: withoutSettings(process.env) },
  )
  const stop = endWithParent(child)
  const logged: string[] = []
  for (const stream of [child.stdout, child.stderr])
    if (stream) createInterface({ input: stream }).on('line', (line) => logged.push(...messageOf(line)))
  const ports = await Promise.race([
    portsOf(child.stdio[3] as Readable), // a pipe that workerd writes to
    once(child, 'exit').then(() => {
      throw new Error(`workerd did not start:\n${logged.join('\n')}`)
    }),
  ])
  const direct = createDirectFetch(ports.direct, CF)
  const platform = createDirectFetch(ports.platform, CF)
  const ask = async (what: object) =>
    (await platform.fetch('http://platform/', { method: 'POST', body: JSON.stringify(what) })).json()
  return {
    url: new URL(`http://127.0.0.1:${ports.entry}`),
    cf: CF,
    fetch: direct.fetch,
    logs: () => [...logged],
    takeLogs: () => logged.splice(0),
    queue: async (_, queue, messages) => (await ask({ queue, messages })) as QueueOutcome,
    scheduled: async (_, cron) => (await ask({ cron })) as { outcome: string },
    stop: async () => {
      direct.stop()
      platform.stop()
      child.kill('SIGKILL')
      await stop()
      await rm(home, { recursive: true, force: true })
    },
  }
}

/** workerd tells each port that it listens on, in a line of its own. */
async function portsOf(pipe: Readable): Promise<Record<(typeof SOCKETS)[number], number>> {
  const ports: Record<string, number> = {}
  for await (const line of createInterface({ input: pipe })) {
    const { event, socket, port } = JSON.parse(line) as { event: string; socket: string; port: number } // as workerd writes it
    if (event === 'listen') ports[socket] = port
    if (SOCKETS.every((name) => ports[name] !== undefined)) break
  }
  return ports as Record<(typeof SOCKETS)[number], number> // all, or workerd ended, which is told elsewhere
}

/** What a Worker printed; workerd's own words on stacks and locks are no one's. */
function messageOf(line: string): string[] {
  let message = line
  try {
    message = String((JSON.parse(line) as { message: unknown }).message)
  } catch {
    // said before workerd knew how it is to log
  }
  return /LLVM_SYMBOLIZER|recursive isolate lock|CODE_MOVED|stack:( (0|[a-f\d]{4,})){3,}/.test(message)
    ? []
    : [message]
}

type Named = Record<string, unknown>

/** In workerd's own language: node_modules/workerd/workerd.capnp says what each word means. */
function configurationOf(workers: WorkerOptions[], home: string): string {
  const [first] = workers
  const { ratelimits = {}, queueProducers = {} } = first as { ratelimits?: Named; queueProducers?: Named }
  const limits = Object.entries(ratelimits).map(([name, limit]) => {
    const { simple } = limit as { simple: { limit: number; period: number } } // as wrangler.toml has it
    return ours(`rate-limit-${name}`, 'rate-limit', home, [
      json('LIMIT', simple.limit),
      json('PERIOD', simple.period),
    ])
  })
  const target = `(name = "WORKER", service = ${text(first?.name)})`
  const services = [
    '(name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true)))',
    ours('edge-cache', 'edge-cache', home, []),
    ours('queue', 'unread-queue', home, []),
    ours('platform', 'platform', home, [target]),
    ours('entry', 'platform', home, [target, json('ENTRY', true), json('CF', CF)]),
    ...limits,
    ...workers.map((worker) =>
      serviceOf(worker, home, [
        ...(worker === first ? Object.keys(ratelimits) : []).map((name) =>
          service(name, `rate-limit-${name}`),
        ),
        ...(worker === first ? Object.keys(queueProducers) : []).map((name) => service(name, 'queue')),
      ]),
    ),
  ]
  const sockets = [
    `(name = "direct", address = "127.0.0.1:0", http = (cfBlobHeader = "mf-cf-blob"), service = ${text(first?.name)})`,
    '(name = "entry", address = "127.0.0.1:0", http = (), service = "entry")',
    '(name = "platform", address = "127.0.0.1:0", http = (), service = "platform")',
  ]
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [${services.join(',\n    ')}],
  sockets = [${sockets.join(', ')}],
  logging = (structuredLogging = true)
);
`
}

function serviceOf(worker: WorkerOptions, home: string, bound: string[]): string {
  const {
    name,
    modules,
    scriptPath,
    compatibilityDate,
    compatibilityFlags = [],
  } = worker as Named & WorkerOptions
  const {
    bindings = {},
    serviceBindings = {},
    versionMetadata,
    outboundService,
  } = worker as {
    bindings?: Named
    serviceBindings?: Record<string, string>
    versionMetadata?: string
    outboundService?: string
  }
  const files = Array.isArray(modules)
    ? modules.map(({ type, path }) => ({ type, path: String(path) }))
    : [{ type: 'ESModule', path: String(scriptPath) }]
  const embedded = files.map(
    ({ type, path: file }) =>
      `(name = ${text(path.basename(file))}, ${KINDS[type]} = embed ${text(path.relative(home, path.resolve(file)))})`,
  )
  const version = {
    id: '00000000-0000-4000-8000-000000000000',
    tag: '',
    timestamp: '2026-01-01T00:00:00.000Z',
  }
  const all = [
    ...bound,
    ...Object.entries(bindings).map(([name, value]) =>
      typeof value === 'string' ? `(name = ${text(name)}, text = ${text(value)})` : json(name, value),
    ),
    ...Object.entries(serviceBindings).map(([name, to]) => service(name, to)),
    ...(versionMetadata ? [json(versionMetadata, version)] : []),
  ]
  return `(name = ${text(name)}, worker = (
      modules = [${embedded.join(', ')}],
      bindings = [${all.join(', ')}],
      compatibilityDate = ${text(compatibilityDate)},
      compatibilityFlags = [${compatibilityFlags.map(text).join(', ')}],
      ${outboundService ? `globalOutbound = ${text(outboundService)},` : ''}
      cacheApiOutbound = "edge-cache"))`
}

/** A Worker of the tests. */
function ours(name: string, file: string, home: string, bindings: string[]): string {
  const script = path.relative(home, path.resolve(`test/support/${file}.worker.js`))
  return `(name = ${text(name)}, worker = (
      modules = [(name = "worker.js", esModule = embed ${text(script)})],
      bindings = [${bindings.join(', ')}],
      compatibilityDate = "2026-10-20",
      compatibilityFlags = ["service_binding_extra_handlers", "experimental"]))`
}

const KINDS: Record<string, string> = { ESModule: 'esModule', CompiledWasm: 'wasm', Text: 'text' }

const text = (value: unknown) => JSON.stringify(String(value))
const json = (name: string, value: unknown) => `(name = ${text(name)}, json = ${text(JSON.stringify(value))})`
const service = (name: string, to: string) => `(name = ${text(name)}, service = ${text(to)})`
