/**
 * From no isolate to its first answer, as at each edge location after a deployment: a Worker with Hono alone, those of this
 * checkout, and with `--against <folder>` the same of another one, in turns.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ALL_IN_ONE, environmentOf, readWorkers } from '../ops/routes.ts'
import { requireBundle } from '../test/support/bundles.ts'
import { createSender } from './client.ts'
import { cpuMs } from './machine.ts'
import { quantile } from './measure.ts'
import { buildBare } from './stack.ts'
import { startWorkerd } from './workerd.ts'

const ROUNDS = 15

/** Nothing is asked of them: the path is no one's. */
const bindings = {
  ENVIRONMENT: 'local',
  DATABASE_URL: 'postgresql://latchkey:latchkey@127.0.0.1:9/latchkey',
  UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:9',
  UPSTASH_REDIS_REST_TOKEN: 'local',
}

type Started = { wallMs: number; cpuMs: number }

async function startOnce(folder: string, bundle: string, compatibilityDate: string): Promise<Started> {
  const beganAt = performance.now()
  const services = [{ name: 'cold', bundle, bindings }]
  const workerd = await startWorkerd({ folder, services, compatibilityDate })
  const { request, close } = createSender(workerd.ports.cold ?? 0)
  await request({ path: '/cold' })
  const started = { wallMs: performance.now() - beganAt, cpuMs: cpuMs(workerd.pid) }
  close()
  await workerd.stop()
  return started
}

/** @param against another checkout, with its packages */
export async function measureCold(against?: string): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'latchkey-cold-'))
  try {
    const bundles = await buildAll(folder, against)
    const compatibilityDate = readWorkers().get(ALL_IN_ONE)?.compatibility_date ?? ''
    const started = new Map([...bundles.keys()].map((name) => [name, [] as Started[]]))
    for (let round = 0; round < ROUNDS; round++)
      for (const [name, bundle] of round % 2 === 0 ? bundles : [...bundles].toReversed())
        started.get(name)?.push(await startOnce(folder, bundle, compatibilityDate))
    report(started)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** By the names that the report shows. */
async function buildAll(folder: string, against?: string): Promise<Map<string, string>> {
  const bundles = new Map([['Hono alone', path.join(folder, 'hono')]])
  await buildBare('bench/hono.worker.js', path.join(folder, 'hono'))
  const ours = [...readWorkers().keys()]
  const others = against ? [...readWorkers(path.join(against, 'wrangler.toml')).keys()] : []
  for (const [source, title] of [
    ['.', ''],
    [against, ', against'],
  ]) {
    if (source === undefined) continue
    const into = path.join(folder, title ? 'against' : 'ours')
    await mkdir(into)
    for (const worker of ours.filter((name) => !against || others.includes(name)))
      bundles.set(`${worker}${title}`, await requireBundle(into, environmentOf(worker), source))
  }
  return bundles
}

function report(started: Map<string, Started[]>): void {
  const median = (name: string, of: keyof Started) =>
    quantile(
      (started.get(name) ?? []).map((one) => one[of]),
      0.5,
    )
  console.log(`from no process to the first answer, medians of ${ROUNDS}`)
  const rows = [...started.keys()].map((name) => {
    const [wallMs, cpu] = [median(name, 'wallMs'), median(name, 'cpuMs')]
    const over = wallMs - median('Hono alone', 'wallMs')
    return [
      name,
      { 'p50 ms': wallMs.toFixed(1), 'over Hono alone': over.toFixed(1), 'CPU ms': cpu.toFixed(1) },
    ]
  })
  console.table(Object.fromEntries(rows))
}
