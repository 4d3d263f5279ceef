/**
 * One stage of load, as an open model: requests leave when they are due, however long others take, and each is timed from the moment
 * it was due. A service that stalls is seen to stall, by everyone who arrives meanwhile.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { mainThreadMs, residentMiB } from '../machine.ts'
import { quantile } from '../measure.ts'
import type { Workerd } from '../workerd.ts'
import type { People } from './people.ts'
import { type Arrival, ATTACKS } from './plan.ts'

/** A stage that is far behind gives up what would only wait longer. */
const MAX_IN_FLIGHT = 500

/** p99 of fewer says nothing. */
const ENOUGH_FOR_P99 = 1000

export type Times = { count: number; p50: number; p95: number; p99: number | null }

export type Staged = {
  /** Arrivals a second, of people and of attackers. */
  offered: number
  /** Answers a second that people wanted. */
  served: number
  people: Times
  attackers: Times
  byKind: Record<string, Times>
  /** Statuses of people's requests that were not what they wanted; `lost` was never sent, or never answered. */
  refused: Record<string, number>
  /** What attackers were answered. */
  answeredAttackers: Record<string, number>
  /** Share of the time in which the isolate's thread was busy. */
  busy: number
  residentMiB: number
}

export async function runStage(
  people: People,
  { pid }: Workerd,
  plan: Iterable<Arrival>,
  seconds: number,
): Promise<Staged> {
  const taken: Record<string, number[]> = {}
  const refused: Record<string, number> = {}
  const answeredAttackers: Record<string, number> = {}
  const running = new Set<Promise<void>>()
  const [startedAt, cpuBefore] = [performance.now(), mainThreadMs(pid)]
  let offered = 0
  let wanted = 0

  const count = (counts: Record<string, number>, what: string) => {
    counts[what] = (counts[what] ?? 0) + 1
  }
  async function send(arrival: Arrival): Promise<void> {
    const { status } = await people.act(arrival).catch(() => ({ status: 0 }))
    taken[arrival.kind] ??= []
    taken[arrival.kind]?.push(performance.now() - startedAt - arrival.atMs)
    const said = status === 0 ? 'lost' : String(status)
    if (arrival.kind in ATTACKS) count(answeredAttackers, said)
    else if (status >= 200 && status < 300) wanted += 1
    else count(refused, said)
  }

  for (const arrival of plan) {
    const dueInMs = startedAt + arrival.atMs - performance.now()
    if (dueInMs > 1) await wait(dueInMs)
    offered += 1
    if (running.size >= MAX_IN_FLIGHT) {
      count(arrival.kind in ATTACKS ? answeredAttackers : refused, 'lost')
      continue
    }
    const sent = send(arrival).finally(() => running.delete(sent))
    running.add(sent)
  }
  const leftMs = startedAt + seconds * 1000 - performance.now()
  if (leftMs > 0) await wait(leftMs)
  await Promise.all(running)
  const ms = performance.now() - startedAt
  const of = (isAttack: boolean) =>
    Object.entries(taken).flatMap(([kind, times]) => (kind in ATTACKS === isAttack ? times : []))
  return {
    offered: offered / seconds,
    served: wanted / (ms / 1000),
    people: timesOf(of(false)),
    attackers: timesOf(of(true)),
    byKind: Object.fromEntries(Object.entries(taken).map(([kind, times]) => [kind, timesOf(times)])),
    refused,
    answeredAttackers,
    busy: (mainThreadMs(pid) - cpuBefore) / ms,
    residentMiB: residentMiB(pid),
  }
}

const timesOf = (samples: number[]): Times => ({
  count: samples.length,
  p50: quantile(samples, 0.5),
  p95: quantile(samples, 0.95),
  p99: samples.length < ENOUGH_FOR_P99 ? null : quantile(samples, 0.99),
})
