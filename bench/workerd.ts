/**
 * Runs bundles, as `wrangler deploy` would upload them, in a bare `workerd serve`: nothing of wrangler's or miniflare's
 * is between the caller and the Worker, which would cost more than most operations do.
 */
import { spawn } from 'node:child_process'
import { copyFile, readdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import net from 'node:net'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { freePort, LOOPBACK } from '../dev/local-server.ts'
import { endWithParent } from '../dev/postgres-shutdown.ts'
import { withoutSettings } from '../ops/child-environment.ts'

export type WorkerService = {
  name: string
  bundle: string
  bindings: Record<string, string>
  flags?: string[]
}

export type Workerd = { pid: number; ports: Record<string, number>; stop(): Promise<void> }

type Options = {
  /** Holds the bundles, each in a folder of its own; the configuration is written into it. */
  folder: string
  services: WorkerService[]
  compatibilityDate: string
  /** Without the edge cache, every lookup misses. */
  edgeCache?: boolean
  /** Where the Chrome DevTools Protocol is spoken. */
  inspector?: number
  /** Receives what the Workers print. */
  log?: (text: string) => void
}

export async function startWorkerd({
  folder,
  services,
  compatibilityDate,
  edgeCache = true,
  inspector,
  log,
}: Options): Promise<Workerd> {
  const ports: Record<string, number> = {}
  for (const { name } of services) ports[name] = await freePort()
  const workers = await Promise.all(services.map((service) => describeWorker(folder, service, edgeCache)))
  for (const file of ['cache.worker.js', 'queue.worker.js'])
    await copyFile(new URL(file, import.meta.url), path.join(folder, file))
  const config = `using Workerd = import "/workerd/workerd.capnp";
const date :Text = ${JSON.stringify(compatibilityDate)};
const config :Workerd.Config = (
  services = [
    (name = "internet", network = (allow = ["private", "public"])),
    (name = "cache", worker = (modules = [(name = "cache.worker.js", esModule = embed "cache.worker.js")], compatibilityDate = .date)),
    (name = "queue", worker = (modules = [(name = "queue.worker.js", esModule = embed "queue.worker.js")], compatibilityDate = .date)),
    ${workers.join(',\n    ')}
  ],
  sockets = [${services.map(({ name }) => `(name = "${name}", address = "${LOOPBACK}:${ports[name]}", http = (), service = "${name}")`).join(', ')}]
);
`
  const configPath = path.join(folder, `${services.map(({ name }) => name).join('-')}.capnp`)
  await writeFile(configPath, config)
  const inspected = inspector === undefined ? [] : [`--inspector-addr=${LOOPBACK}:${inspector}`]
  const child = spawn(workerdBinary(), ['serve', ...inspected, configPath], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: withoutSettings(process.env),
  })
  const stop = endWithParent(child)
  let printed = ''
  const read = (chunk: Buffer) => {
    printed = (printed + chunk.toString()).slice(-4000)
    log?.(chunk.toString())
  }
  child.stdout?.on('data', read)
  child.stderr?.on('data', read)
  const lastPort = Object.values(ports).at(-1) ?? 0
  while (!(await isListening(lastPort))) {
    if (child.exitCode !== null) throw new Error(`workerd did not start:\n${printed}`)
    await wait(2)
  }
  return { pid: child.pid ?? 0, ports, stop }
}

async function describeWorker(folder: string, service: WorkerService, edgeCache: boolean): Promise<string> {
  const { name, bundle, bindings, flags = [] } = service
  const files = (await readdir(bundle)).filter((file) => /\.(js|wasm|txt)$/.test(file))
  // The first module is the entry point.
  const sorted = files.sort((a, b) => Number(b.endsWith('.js')) - Number(a.endsWith('.js')))
  const modules = sorted.map((file) => {
    const kind = file.endsWith('.js') ? 'esModule' : file.endsWith('.wasm') ? 'wasm' : 'text'
    return `(name = "${file}", ${kind} = embed "${path.relative(folder, path.join(bundle, file))}")`
  })
  const texts = Object.entries(bindings).map(
    ([key, value]) => `(name = "${key}", text = ${JSON.stringify(value)})`,
  )
  return `(name = "${name}", worker = (
      modules = [${modules.join(', ')}],
      bindings = [(name = "EVENTS", service = "queue"), ${texts.join(', ')}],
      compatibilityFlags = ${JSON.stringify(flags)},
      compatibilityDate = .date${edgeCache ? ', cacheApiOutbound = "cache"' : ''}))`
}

function workerdBinary(): string {
  const workerd: { default: string } = createRequire(import.meta.url)('workerd')
  return workerd.default
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, LOOPBACK, () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
