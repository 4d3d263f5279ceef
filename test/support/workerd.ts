/**
 * Several of the product's Workers in one workerd, each asked by its routes (one alone is in test/support/bare-workerd.ts).
 * Started as `wrangler dev` starts them but for what stands between it and a test:
 * no second runtime that requests pass through, and no esbuild, since the bundles are made already. Two things are
 * as in production and not as in development:
 * 1. Workerd reaches the network itself: through Node a reset connection would become an HTTP 500, half an answer one
 *    that never ends, and a caller who leaves would not be noticed.
 * 2. Queues have producers and no consumers: a test hands messages to the consumer itself, when and as often as it
 *    wants, and no batch arrives while another test counts trips.
 */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { convertV4MiniflareOptions, Miniflare, type V4MiniflareOptions } from 'miniflare'
import type { DirectInit } from './direct.ts'

/** What Miniflare is told of one Worker. */
export type WorkerOptions = Extract<V4MiniflareOptions, { workers: unknown }>['workers'][number]

/** A message as the platform hands it over. */
export type QueueMessage = { id: string; timestamp: Date; attempts: number; body: unknown }

/** What the consumer decided, message by message. */
export type QueueOutcome = {
  outcome: string
  ackAll: boolean
  retryBatch: { retry: boolean }
  explicitAcks: string[]
  retryMessages: { msgId: string; delaySeconds?: number }[]
}

export type Workerd = {
  /** Where it listens, for raw sockets. */
  url: URL
  /** What `request.cf` is where a request does not say more. */
  cf: Record<string, unknown>
  /** Requests find their Worker by the routes, where several were started that requests may be for. */
  fetch(url: string, init?: DirectInit): Promise<Response>
  logs(): string[]
  /** The same, and begins anew. */
  takeLogs(): string[]
  queue(worker: string, queue: string, messages: QueueMessage[]): Promise<QueueOutcome>
  scheduled(worker: string, cron: string): Promise<{ outcome: string }>
  stop(): Promise<void>
}

export async function startWorkerd(workers: WorkerOptions[]): Promise<Workerd> {
  const logged: string[] = []
  const runtime = new Miniflare(
    convertV4MiniflareOptions({
      host: '127.0.0.1',
      port: 0,
      logRequests: false,
      handleStructuredLogs: ({ message }) => logged.push(message),
      workers,
    }),
  )
  const url = await runtime.ready
  const cf = await runtime.getCf()
  return {
    url,
    cf,
    fetch: async (target, init = {}) =>
      // Miniflare types its own Response; it is the platform's.
      (await runtime.dispatchFetch(target, { redirect: 'manual', ...init } as never)) as unknown as Response,
    logs: () => [...logged],
    takeLogs: () => logged.splice(0),
    queue: async (worker, queue, messages) =>
      ((await runtime.getWorker(worker)) as unknown as Handlers).queue(queue, messages),
    scheduled: async (worker, cron) =>
      ((await runtime.getWorker(worker)) as unknown as Handlers).scheduled({ cron }),
    stop: () => runtime.dispose(),
  }
}

/** Typed by Miniflare as of another version of the platform's types. */
type Handlers = {
  queue(queue: string, messages: QueueMessage[]): Promise<QueueOutcome>
  scheduled(options: { cron: string }): Promise<{ outcome: string }>
}

const MODULE_TYPES: Record<string, 'ESModule' | 'CompiledWasm' | 'Text'> = {
  '.js': 'ESModule',
  '.wasm': 'CompiledWasm',
  '.txt': 'Text',
}

/** The modules of a bundle as `wrangler deploy` would upload them, its entry point first. */
export function modulesOf(folder: string, entry: string) {
  const names = readdirSync(folder).filter((name) => name !== entry && path.extname(name) in MODULE_TYPES)
  const modules = [entry, ...names].map((name) => {
    const type = MODULE_TYPES[path.extname(name)] ?? 'Text'
    const file = path.join(folder, name)
    return {
      type,
      path: file,
      contents: type === 'CompiledWasm' ? readFileSync(file) : readFileSync(file, 'utf8'),
    }
  })
  return { modulesRoot: folder, modules }
}
