/**
 * `npm run bench` — how fast the main operations are against what they cannot do without, and what sign-ins leave in
 * memory; on engines and endpoints of its own, in one run. It reports and never fails for being slow.
 *   npm run bench -- --quick    a tenth of the calls, for a look
 *   npm run bench -- --burst    what many wrong passwords at once make others wait, and nothing else
 *   npm run bench -- --account  what an account with a million sessions costs its owner, and nothing else
 *   npm run bench -- --growth [--rows 5000000]  the same calls with 10,000 rows and with a million, and nothing else
 *   npm run bench -- --peers    ours beside better-auth and openauth, and nothing else; into bench/results/
 *   npm run bench -- --argon2   a password hash by our driver, by hash-wasm's releases, with SIMD, and by Node itself
 *   npm run bench -- --hashes   what verifying a password imported from another system takes
 *   npm run bench -- --profile  where the CPU of a live check, a refresh and a sign-in goes, and nothing else
 *   npm run bench -- --cold [--against <checkout>]  what each Worker takes to its first answer, and nothing else
 * The raw numbers are in .latchkey/bench.json, or in one named after the flag.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { measureAccount } from './account.ts'
import { measureArgon2 } from './argon2.ts'
import { type Attack, measureAttack } from './attack.ts'
import { measureChains, measureSlowAudit, reportChains, type SlowAudit } from './audit.ts'
import { measureBurst } from './burst.ts'
import { createSender } from './client.ts'
import { measureCold } from './cold.ts'
import { measureGrowth } from './growth.ts'
import { measureHashes } from './hashes.ts'
import { cpuMs, describeMachine, watchLoad } from './machine.ts'
import { type Measured, measure, type Plan, type Ratios, ratios } from './measure.ts'
import { type Memory, measureMemory } from './memory.ts'
import { prepareTasks, refreshOnce } from './operations.ts'
import { measurePeers } from './peers/peers.ts'
import { measureProfile } from './profile.ts'
import { startProxy } from './proxy.ts'
import { type Stack, startStack } from './stack.ts'
import { startWorkerd, type Workerd } from './workerd.ts'

const DELAYS_MS = [0, 5, 20]
const WARM_UP: Plan = { rounds: 1, callsPerTurn: 20 }

type Series = { delayMs: number; ratios: Ratios; measured: Record<string, Measured> }

/** One series per delay. Without a delay nothing is between the Workers and the endpoints. */
async function measureSpeed(stack: Stack, isQuick: boolean): Promise<Series[]> {
  let refreshBatch = ''
  const keepBatch = (_: string, body: string) => {
    if (body.includes('for no key update')) refreshBatch = body
  }
  const proxies = {
    neon: await startProxy(stack.ports.neon, keepBatch),
    upstash: await startProxy(stack.ports.upstash),
  }
  const delayed = { neon: proxies.neon.port, upstash: proxies.upstash.port }
  const { latchkey, unlimited, floor } = stack.bundles
  const workerd = await startWorkerd({
    ...stack,
    services: [
      { name: 'latchkey', bundle: latchkey, bindings: stack.bindingsFor(stack.ports) },
      { name: 'floor', bundle: floor, bindings: stack.bindingsFor(stack.ports) },
      { name: 'unlimited', bundle: unlimited, bindings: stack.bindingsFor(stack.ports) },
      { name: 'latchkey-delayed', bundle: latchkey, bindings: stack.bindingsFor(delayed) },
      { name: 'floor-delayed', bundle: floor, bindings: stack.bindingsFor(delayed) },
      { name: 'unlimited-delayed', bundle: unlimited, bindings: stack.bindingsFor(delayed) },
    ],
  })
  const meters = { cpu: () => cpuMs(workerd.pid), trips: stack.trips }
  try {
    const watched = createSender(workerd.ports['latchkey-delayed'] ?? 0)
    await refreshOnce(watched.send)
    watched.close()
    const batch = refreshBatch
    const series: Series[] = []
    for (const delayMs of DELAYS_MS) {
      const suffix = delayMs === 0 ? '' : '-delayed'
      const senderOf = (name: string) => createSender(workerd.ports[name + suffix] ?? 0)
      const senders = {
        floor: senderOf('floor'),
        latchkey: senderOf('latchkey'),
        unlimited: senderOf('unlimited'),
      }
      const sends = {
        floor: senders.floor.send,
        latchkey: senders.latchkey.send,
        unlimited: senders.unlimited.send,
      }
      const tasks = await prepareTasks(sends, batch)
      for (const proxy of Object.values(proxies)) proxy.setDelay(delayMs)
      await measure(tasks, WARM_UP, meters)
      console.log(`measuring with ${delayMs} ms added to every trip`)
      const plan = { rounds: isQuick ? 2 : delayMs === 0 ? 10 : 4, callsPerTurn: 10 }
      const measured = await measure(tasks, plan, meters)
      for (const sender of Object.values(senders)) sender.close()
      series.push({ delayMs, ratios: ratios(measured), measured: Object.fromEntries(measured) })
    }
    return series
  } finally {
    await workerd.stop()
    await Promise.all(Object.values(proxies).map((proxy) => proxy.stop()))
  }
}

/** @param settings on top of the benchmark's own */
async function withFreshWorkerd<T>(
  stack: Stack,
  settings: Record<string, string>,
  work: (workerd: Workerd) => Promise<T>,
): Promise<T> {
  const bindings = { ...stack.bindingsFor(stack.ports), ...settings }
  const services = [{ name: 'latchkey', bundle: stack.bundles.latchkey, bindings }]
  const workerd = await startWorkerd({ ...stack, services })
  try {
    return await work(workerd)
  } finally {
    await workerd.stop()
  }
}

function report(series: Series[], audit: SlowAudit, attack: Attack, memory: Memory): void {
  for (const { delayMs, ratios: found, measured } of series) {
    console.log(`\n${delayMs} ms added to every trip`)
    const rows = Object.entries(measured).map(([name, m]) => [
      name,
      {
        'p50 ms': rounded(m.medianMs, 2),
        'p90 ms': rounded(m.p90Ms, 2),
        'CPU ms': rounded(m.cpuMs, 2),
        'Neon trips': rounded(m.postgresTrips, 2),
        'Redis trips': rounded(m.redisTrips, 2),
        'over its floor': name in found ? rounded(found[name as keyof Ratios], 2) : '', // names of Ratios are tasks
      },
    ])
    console.table(Object.fromEntries(rows))
  }
  const [{ ratios: undelayed } = { ratios: undefined }] = series
  console.log(`login   / (verify + 2 Neon + 1 Redis): ${undelayed?.login.toFixed(2)} (target <= 1.5)`)
  console.log(
    `refresh / (1 Neon + 1 Redis):          ${undelayed?.refresh.toFixed(2)} (of the smallest trips)`,
  )
  console.log(
    `refresh / (its batch + two limits):    ${undelayed?.refreshOverItsTrips.toFixed(2)} (target <= 2)`,
  )
  for (const { delayMs, ratios: found } of series)
    console.log(
      `API key verify / 1 Neon, ${delayMs} ms added: ${found['API key'].toFixed(2)} (target <= 1.3)`,
    )
  for (const { delayMs, measured } of series) {
    const median = (name: string) => measured[name]?.medianMs.toFixed(2)
    const pairs = ['login', 'me'].map(
      (name) => `${name} ${median(name)} / ${median(`${name}, unlimited`)} ms`,
    )
    console.log(`p50 with / without the limit check, ${delayMs} ms added: ${pairs.join(', ')}`)
  }
  console.log(
    `p50 of a sign-in while the audit log answers at once / after 5 s: ${audit.healthyMs.toFixed(1)} / ${audit.slowMs.toFixed(1)} ms; ` +
      `then ${audit.audited} of ${audit.recorded} events are in it, ${audit.twice} of them twice`,
  )
  const { refusedPerSecond, cpuMsPerRefusal, cpuMsPerSignIn } = attack
  console.log(
    `under attack one isolate refuses ${refusedPerSecond.toFixed(0)} a second; a 429 costs ${cpuMsPerRefusal.toFixed(2)} ms ` +
      `of CPU, 1/${(cpuMsPerSignIn / cpuMsPerRefusal).toFixed(0)} of a sign-in's ${cpuMsPerSignIn.toFixed(1)} (target < 1/20)`,
  )
  console.log(`\nresident memory of workerd, MiB: idle ${memory.idle.toFixed(1)} (after one sign-in)`)
  for (const [when, mib] of Object.entries(memory).slice(1))
    console.log(`  ${when.padEnd(20)} +${(mib - memory.idle).toFixed(1)} (target <= 64)`)
}

const rounded = (value: number, digits: number) => Number(value.toFixed(digits))

const flagValue = (flag: string): string | undefined => {
  const at = process.argv.indexOf(flag)
  return at < 0 ? undefined : process.argv[at + 1]
}

async function keep(name: string, numbers: object): Promise<void> {
  await mkdir('.latchkey', { recursive: true })
  await writeFile(`.latchkey/${name}.json`, JSON.stringify({ at: new Date(), ...numbers }))
}

async function main(): Promise<void> {
  if (process.argv.includes('--argon2')) return measureArgon2()
  if (process.argv.includes('--hashes')) return measureHashes()
  if (process.argv.includes('--cold')) return measureCold(flagValue('--against'))
  const isQuick = process.argv.includes('--quick')
  const stack = await startStack()
  try {
    if (process.argv.includes('--account')) {
      await withFreshWorkerd(stack, {}, (workerd) => measureAccount(stack, workerd))
      return
    }
    if (process.argv.includes('--burst')) {
      await measureBurst(stack)
      return
    }
    if (process.argv.includes('--profile')) {
      await measureProfile(stack)
      return
    }
    if (process.argv.includes('--growth')) {
      const growth = await measureGrowth(stack, { rows: flagValue('--rows'), isQuick })
      await keep('growth', growth)
      return
    }
    if (process.argv.includes('--peers')) {
      await measurePeers(stack, isQuick)
      return
    }
    const loadSince = watchLoad()
    const series = await measureSpeed(stack, isQuick)
    const audit = await measureSlowAudit(stack)
    const chains = await measureChains(stack)
    const attack = await withFreshWorkerd(stack, { LIMITS_MULTIPLIER: '1' }, measureAttack)
    const memory = await withFreshWorkerd(stack, {}, measureMemory)
    const machine = { ...describeMachine(), ...loadSince() }
    report(series, audit, attack, memory)
    reportChains(chains)
    console.log(
      `\n${machine.cores} × ${machine.cpu}, Node ${machine.node}, load ${machine.loadAverage.toFixed(2)}, ` +
        `${(machine.othersShare * 100).toFixed(0)} % of the machine taken by others`,
    )
    await keep('bench', { machine, series, audit, chains, attack, memory })
  } finally {
    await stack.stop()
  }
}

await main()
