/** Times tasks in turns, A B C then C B A, so that whatever the machine does meanwhile hits all of them alike. */
import type { Task } from './operations.ts'

export type Measured = {
  medianMs: number
  p90Ms: number
  cpuMs: number
  postgresTrips: number
  redisTrips: number
  samples: number[]
}

export type Meters = {
  /** CPU time that the Workers have used so far, in milliseconds. */
  cpu(): number
  trips(): { postgres: number; redis: number }
}

export type Plan = { rounds: number; callsPerTurn: number }

/** @returns for each task, in their order; `cpuMs` and trips are means per call */
export async function measure(
  tasks: Task[],
  { rounds, callsPerTurn }: Plan,
  meters: Meters,
): Promise<Map<string, Measured>> {
  const tallies = new Map(
    tasks.map(({ name }) => [name, { samples: [] as number[], cpu: 0, postgres: 0, redis: 0 }]),
  )
  for (let round = 0; round < rounds; round++) {
    for (const { name, run } of round % 2 === 0 ? tasks : tasks.toReversed()) {
      const tally = tallies.get(name)
      if (!tally) continue
      const before = { ...meters.trips(), cpu: meters.cpu() }
      for (let call = 0; call < callsPerTurn; call++) {
        const startedAt = performance.now()
        await run()
        tally.samples.push(performance.now() - startedAt)
      }
      const after = { ...meters.trips(), cpu: meters.cpu() }
      for (const meter of ['postgres', 'redis', 'cpu'] as const) tally[meter] += after[meter] - before[meter]
    }
  }
  return new Map(
    [...tallies].map(([name, { samples, cpu, postgres, redis }]) => {
      const n = samples.length
      const means = { cpuMs: cpu / n, postgresTrips: postgres / n, redisTrips: redis / n }
      return [name, { medianMs: quantile(samples, 0.5), p90Ms: quantile(samples, 0.9), ...means, samples }]
    }),
  )
}

/** The sample that a `share` of the others is below. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b)
  return sorted[Math.min(samples.length - 1, Math.floor(samples.length * share))] ?? Number.NaN
}

export type Ratios = {
  login: number
  register: number
  refresh: number
  me: number
  sessions: number
  'API key': number
  /** Against its very own trips: its batch, and as many limits. */
  refreshOverItsTrips: number
  /** Against itself without the limit check. */
  loginLimits: number
  meLimits: number
}

/**
 * Each operation's time over its floor: the parts that it cannot do without, one after another. The cost of a request
 * that does nothing is in every part once, so it is counted once and not once per part.
 */
export function ratios(measured: Map<string, Measured>): Ratios {
  const of = (name: string) => measured.get(name)?.medianMs ?? Number.NaN
  const empty = of('empty request')
  const verify = of('Argon2id verify') - empty
  const neon = of('Neon trip') - empty
  const redis = of('Redis trip') - empty
  return {
    login: of('login') / (empty + verify + 2 * neon + redis),
    register: of('register') / (empty + verify + 2 * neon + redis),
    refresh: of('refresh') / (empty + neon + redis),
    refreshOverItsTrips: of('refresh') / (of("refresh's batch") + of('two Redis limits') - empty),
    me: of('me') / (empty + neon),
    sessions: of('sessions') / (empty + neon),
    'API key': of('API key') / (empty + neon),
    loginLimits: of('login') / of('login, unlimited'),
    meLimits: of('me') / of('me, unlimited'),
  }
}
