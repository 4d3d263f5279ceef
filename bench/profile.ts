/**
 * `npm run bench -- --profile` — where the CPU of an operation goes: workerd samples its isolate while one operation is
 * called again and again, and each sample is counted for the package or the folder of ours that the function is of.
 */
import { readdir, readFile } from 'node:fs/promises'
import { SourceMap } from 'node:module'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { freePort, LOOPBACK } from '../dev/local-server.ts'
import { createSender, type Send } from './client.ts'
import { cpuMs } from './machine.ts'
import { newEmail, prepareLogin } from './operations.ts'
import type { Stack } from './stack.ts'
import { startWorkerd } from './workerd.ts'

const SAMPLE_EVERY_US = 200
const WARM_UP = 50
const CALLS = 400
const SHOWN = 12

/** As the Chrome DevTools Protocol defines Profiler.Profile. */
type Profile = {
  nodes: {
    id: number
    callFrame: { functionName: string; url: string; lineNumber: number; columnNumber: number }
  }[]
  samples: number[]
}

type Part = { part: string; share: number }

export async function measureProfile(stack: Stack): Promise<void> {
  const inspector = await freePort()
  const bindings = stack.bindingsFor(stack.ports)
  const services = [{ name: 'latchkey', bundle: stack.bundles.latchkey, bindings }]
  const workerd = await startWorkerd({ ...stack, services, inspector })
  const { send, close } = createSender(workerd.ports.latchkey ?? 0)
  const profiler = await connect(inspector)
  try {
    const maps = await readMaps(stack.bundles.latchkey)
    for (const [name, run] of Object.entries(await prepare(send))) {
      for (let call = 0; call < WARM_UP; call++) await run()
      const before = cpuMs(workerd.pid)
      for (let call = 0; call < CALLS; call++) await run()
      const cpu = (cpuMs(workerd.pid) - before) / CALLS
      await profiler.ask('Profiler.start')
      for (let call = 0; call < CALLS; call++) await run()
      const { profile } = (await profiler.ask('Profiler.stop')) as { profile: Profile } // see `Profile`
      report(name, cpu, partsOf(profile, maps))
    }
  } finally {
    profiler.close()
    close()
    await workerd.stop()
  }
}

async function prepare(send: Send): Promise<Record<string, () => Promise<unknown>>> {
  const register = async () => {
    const json = { email: newEmail(), password: 'correct horse battery' }
    return JSON.parse((await send({ path: '/v1/register', json })).body)
  }
  const { access_token: bearer } = await register()
  let { refresh_token } = await register()
  return {
    'live check': () => send({ path: '/v1/me', bearer }),
    refresh: async () => {
      const { body } = await send({ path: '/v1/refresh', json: { refresh_token } })
      ;({ refresh_token } = JSON.parse(body))
    },
    'sign-in': await prepareLogin(send),
  }
}

/** Packages by their name, what is ours by its folder, and what has no source by what V8 calls it. */
function partsOf({ nodes, samples }: Profile, maps: Map<string, SourceMap>): Part[] {
  const partOf = new Map(nodes.map(({ id, callFrame }) => [id, partOfFrame(callFrame, maps)]))
  const counts = new Map<string, number>()
  for (const sample of samples) {
    const part = partOf.get(sample) ?? 'unknown'
    if (part !== '(idle)') counts.set(part, (counts.get(part) ?? 0) + 1)
  }
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0)
  return [...counts]
    .map(([part, count]) => ({ part, share: count / all }))
    .toSorted((one, other) => other.share - one.share)
}

function partOfFrame(
  { functionName, url, lineNumber, columnNumber }: Profile['nodes'][number]['callFrame'],
  maps: Map<string, SourceMap>,
): string {
  if (functionName === '(program)') return 'the runtime itself'
  if (functionName.startsWith('(')) return functionName
  if (url.startsWith('wasm:')) return 'Argon2 (WebAssembly)'
  const found = maps.get(path.basename(url))?.findEntry(lineNumber, columnNumber)
  const source = found && 'originalSource' in found ? found.originalSource : ''
  if (source === '') return builtIn(functionName)
  const inPackage = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1]
  if (inPackage === 'src') return 'drizzle-orm' // whose own map calls its sources that
  return inPackage ?? /\bsrc\/[^/]+/.exec(source)?.[0] ?? source
}

const WEB_CRYPTO = ['decrypt', 'deriveBits', 'digest', 'encrypt', 'importKey', 'sign', 'verify']

function builtIn(functionName: string): string {
  if (WEB_CRYPTO.includes(functionName)) return 'WebCrypto'
  return functionName === 'fetch' ? 'fetch' : 'other built-in functions'
}

async function readMaps(bundle: string): Promise<Map<string, SourceMap>> {
  const files = (await readdir(bundle)).filter((file) => file.endsWith('.js.map'))
  const read = async (file: string) => JSON.parse(await readFile(path.join(bundle, file), 'utf8'))
  return new Map(
    await Promise.all(
      files.map(async (file) => [file.replace(/\.map$/, ''), new SourceMap(await read(file))] as const),
    ),
  )
}

type Listed = { id: string; webSocketDebuggerUrl: string }

/** Where the Worker can be asked; workerd tells it a moment after it began to listen. */
async function addressOf(port: number): Promise<string> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const listed = await fetch(`http://${LOOPBACK}:${port}/json`).then(
      (answer) => answer.json(),
      () => [],
    )
    const worker = (listed as Listed[]).find(({ id }) => id === 'latchkey') // as the protocol has it
    if (worker) return worker.webSocketDebuggerUrl
    await wait(50)
  }
  throw new Error('the inspector of workerd does not answer')
}

type Profiler = { ask(method: string, params?: object): Promise<unknown>; close(): void }

/** Speaks the Chrome DevTools Protocol to the Worker. */
async function connect(port: number): Promise<Profiler> {
  const socket = new WebSocket(await addressOf(port))
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  socket.addEventListener('message', ({ data }) => {
    const { id, result, error } = JSON.parse(String(data))
    const asked = waiting.get(id)
    waiting.delete(id)
    if (error) asked?.reject(new Error(`the inspector answered: ${error.message}`))
    else asked?.resolve(result)
  })
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', () => reject(new Error('the inspector of workerd does not answer')))
  })
  let asked = 0
  const ask: Profiler['ask'] = (method, params = {}) => {
    const answered = Promise.withResolvers<unknown>()
    waiting.set(++asked, answered)
    socket.send(JSON.stringify({ id: asked, method, params }))
    return answered.promise
  }
  await ask('Profiler.enable')
  await ask('Profiler.setSamplingInterval', { interval: SAMPLE_EVERY_US })
  return { ask, close: () => socket.close() }
}

function report(name: string, cpu: number, parts: Part[]): void {
  console.log(`\n${name}: ${cpu.toFixed(2)} ms of CPU (${CALLS} calls)`)
  const [shown, rest] = [parts.slice(0, SHOWN), parts.slice(SHOWN)]
  const others = { part: 'everything else', share: rest.reduce((sum, { share }) => sum + share, 0) }
  console.table(
    Object.fromEntries(
      [...shown, others].map(({ part, share }) => [
        part,
        { '% of the CPU': Number((share * 100).toFixed(1)), ms: Number((share * cpu).toFixed(2)) },
      ]),
    ),
  )
}
