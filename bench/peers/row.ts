/** What was measured of whom, as bench/results/peers.json has it. */
import type { describeMachine, Load } from '../machine.ts'

export type Contestant =
  | 'latchkey'
  | 'better-auth'
  | 'better-auth-argon2id'
  | 'better-auth-tuned'
  | 'openauth'

export type Row = {
  delayMs: number
  operation: string
  who: Contestant
  p50: number
  p90: number
  cpuMs: number
  postgresTrips: number
  redisTrips: number
  /** Ours over this, of each round; 1 where it is ours. */
  oursOver: { median: number; least: number; most: number }
}

export type Results = {
  at: string
  machine: ReturnType<typeof describeMachine> & Load
  versions: Record<string, string>
  rows: Row[]
}
