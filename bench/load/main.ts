/**
 * `npm run load` — what one isolate serves on this machine, under the limits and deadlines of production: requests of people who sign
 * in, refresh, call and sign out arrive at random moments, at a rate that rises until they are not served in time.
 *   npm run load -- --quick               shorter stages, for a look
 *   npm run load -- --soak 10m [--rate 20]   the same rate for long: memory and times, minute by minute
 *   npm run load -- --storm [--rate 15]      people alone, then as many attackers among them, then people alone
 *   --seed 7                              other people at other moments; the same seed is the same run
 * Everything is on this machine, on engines of its own. The raw numbers are in .latchkey/load.json.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { describeMachine, watchLoad } from '../machine.ts'
import { startStack } from '../stack.ts'
import { startWorkerd, type Workerd } from '../workerd.ts'
import { type People, preparePeople } from './people.ts'
import { arrivals, seeded } from './plan.ts'
import { runStage, type Staged } from './stage.ts'

/** What the other benchmarks are patient about is as in production here. */
const PRODUCTION = {
  LIMITS_MULTIPLIER: '1',
  MAX_HASHES_IN_FLIGHT: '8',
  HASH_WAIT_MS: '250',
  REDIS_TIMEOUT_MS: '250',
  POSTGRES_TIMEOUT_MS: '2000',
  REQUEST_TIMEOUT_MS: '8000',
}

const FIRST_RATE = 4
const RATE_FACTOR = 1.4
const MAX_STAGES = 14
/** One stage may be late for what others do on the machine meanwhile. */
const LATE_STAGES = 2
const WARM_UP = { rate: 10, seconds: 8 }
/** Served: nothing refused or lost, and 95 of 100 answered within this. */
const IN_TIME_MS = 500
const MAX_SOAK_MINUTES = 60
const MAX_RATE = 1000

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    soak: { type: 'string' },
    storm: { type: 'boolean', default: false },
    rate: { type: 'string' },
    seed: { type: 'string', default: '1' },
  },
})

type Stage = { rate: number; seconds: number; attackShare?: number }
type Run = (stage: Stage) => Promise<Staged>

const isServed = ({ refused, people }: Staged) =>
  Object.keys(refused).length === 0 && people.p95 <= IN_TIME_MS

/** Rises until rates are not served, and then measures well below the last that was. */
async function findKnee(run: Run): Promise<Record<string, Staged>> {
  const seconds = flags.quick ? 5 : 15
  const stages: Record<string, Staged> = {}
  let knee: number | null = null
  for (let [at, late] = [0, 0]; at < MAX_STAGES && late < LATE_STAGES; at++) {
    const rate = Math.round(FIRST_RATE * RATE_FACTOR ** at)
    const stage = await run({ rate, seconds })
    stages[`${rate}/s`] = stage
    late = isServed(stage) ? 0 : late + 1
    if (late === 0) knee = rate
  }
  if (knee === null) console.log(`not even ${FIRST_RATE} requests a second are served in time`)
  else {
    console.log(
      `the knee: ${knee} requests a second are served (none refused, p95 within ${IN_TIME_MS} ms), the next rates are not`,
    )
    const steady = Math.max(1, Math.round(knee * 0.7))
    stages[`${steady}/s, steady`] = await run({ rate: steady, seconds: flags.quick ? 10 : 60 })
  }
  return stages
}

async function soak(run: Run, minutes: number): Promise<Record<string, Staged>> {
  const stages: Record<string, Staged> = {}
  const parts = Math.max(4, Math.round(minutes))
  for (let part = 1; part <= parts; part++)
    stages[`minute ${((part * minutes) / parts).toFixed(1)}`] = await run({
      rate: rateOr(20),
      seconds: (minutes * 60) / parts,
    })
  return stages
}

async function storm(run: Run): Promise<Record<string, Staged>> {
  const [rate, seconds] = [rateOr(15), flags.quick ? 10 : 60]
  return {
    'people alone': await run({ rate, seconds }),
    'as many attackers': await run({ rate: rate * 2, seconds, attackShare: 0.5 }),
    'people alone again': await run({ rate, seconds }),
  }
}

function rateOr(usual: number): number {
  const rate = Number(flags.rate ?? usual)
  if (!(rate > 0 && rate <= MAX_RATE)) throw new Error(`--rate is above 0, up to ${MAX_RATE}`)
  return rate
}

function readMinutes(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)([ms])$/.exec(text) ?? []
  const minutes = Number(amount) / (unit === 's' ? 60 : 1)
  if (!(minutes > 0 && minutes <= MAX_SOAK_MINUTES))
    throw new Error(`--soak takes minutes or seconds, such as 10m or 90s, up to ${MAX_SOAK_MINUTES}m`)
  return minutes
}

const rounded = (value: number | null, digits = 0) => (value === null ? '' : Number(value.toFixed(digits)))
const listed = (counts: Record<string, number>) =>
  Object.entries(counts)
    .map(([what, times]) => `${times} × ${what}`)
    .join(', ')

function report(stages: Record<string, Staged>): void {
  const rows = Object.entries(stages).map(([name, stage]) => [
    name,
    {
      'arrive/s': rounded(stage.offered, 1),
      'served/s': rounded(stage.served, 1),
      'p50 ms': rounded(stage.people.p50),
      'p95 ms': rounded(stage.people.p95),
      'p99 ms': rounded(stage.people.p99),
      refused: listed(stage.refused),
      'isolate busy': `${rounded(stage.busy * 100)} %`,
      'memory MiB': rounded(stage.residentMiB),
      ...(stage.attackers.count > 0 && { 'attackers were answered': listed(stage.answeredAttackers) }),
    },
  ])
  console.table(Object.fromEntries(rows))
  const [last] = Object.values(stages).slice(-1)
  const kinds = Object.entries(last?.byKind ?? {}).map(([kind, { count, p50, p95, p99 }]) => [
    kind,
    { requests: count, 'p50 ms': rounded(p50), 'p95 ms': rounded(p95), 'p99 ms': rounded(p99) },
  ])
  console.log('of the last stage:')
  console.table(Object.fromEntries(kinds))
}

function runnerOf(people: People, workerd: Workerd, seed: number): Run {
  const random = seeded(seed)
  return async (stage) => {
    const done = await runStage(people, workerd, arrivals(random, stage), stage.seconds)
    console.log(
      `${done.offered.toFixed(1)}/s for ${stage.seconds.toFixed(0)} s: p50 ${done.people.p50.toFixed(0)}, ` +
        `p95 ${done.people.p95.toFixed(0)} ms, refused: ${listed(done.refused) || 'none'}, ${done.residentMiB.toFixed(0)} MiB`,
    )
    return done
  }
}

async function main(): Promise<void> {
  const seed = Number(flags.seed)
  if (!Number.isSafeInteger(seed)) throw new Error('--seed is a whole number')
  const minutes = flags.soak === undefined ? null : readMinutes(flags.soak)
  const stack = await startStack()
  try {
    const bindings = { ...stack.bindingsFor(stack.ports), ...PRODUCTION }
    const services = [{ name: 'latchkey', bundle: stack.bundles.latchkey, bindings }]
    const workerd = await startWorkerd({ ...stack, services })
    try {
      const people = await preparePeople(stack, workerd.ports.latchkey ?? 0)
      const loadSince = watchLoad()
      const run = runnerOf(people, workerd, seed)
      await run(WARM_UP)
      const stages =
        minutes !== null ? await soak(run, minutes) : flags.storm ? await storm(run) : await findKnee(run)
      people.close()
      const machine = { ...describeMachine(), ...loadSince() }
      report(stages)
      console.log(
        `seed ${seed}; one isolate, with PostgreSQL, Redis and the callers on ${machine.cores} × ${machine.cpu}, ` +
          `${(machine.othersShare * 100).toFixed(0)} % of the machine taken by others`,
      )
      await mkdir('.latchkey', { recursive: true })
      await writeFile('.latchkey/load.json', JSON.stringify({ at: new Date(), seed, machine, stages }))
    } finally {
      await workerd.stop()
    }
  } finally {
    await stack.stop()
  }
}

await main()
