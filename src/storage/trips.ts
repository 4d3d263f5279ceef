/**
 * Counts the round trips of one request and gives each its deadline. At the edge the trips decide how fast
 * an operation is, so every outbound call goes through here, and DESIGN.md §5 is tested against these counts.
 */
import { Fault } from '../problem.ts'

export type Upstream = 'postgres' | 'redis'

export type Trips = {
  counted(): Record<Upstream, { trips: number; milliseconds: number }>
  /** Signal for one call: its own deadline, or what is left of the whole request's. Counts the call. */
  begin(upstream: Upstream): { signal: AbortSignal; end(): void }
}

/** @param deadlinesMs per call, and `request` for everything together */
export function createTrips(deadlinesMs: Record<Upstream | 'request', number>): Trips {
  const counts = { postgres: { trips: 0, milliseconds: 0 }, redis: { trips: 0, milliseconds: 0 } }
  const startedAt = Date.now()
  return {
    counted: () => counts,
    begin(upstream) {
      const begunAt = Date.now()
      const remaining = Math.max(1, deadlinesMs.request - (begunAt - startedAt))
      counts[upstream].trips += 1
      return {
        signal: AbortSignal.timeout(Math.min(deadlinesMs[upstream], remaining)),
        end: () => {
          counts[upstream].milliseconds += Date.now() - begunAt
        },
      }
    },
  }
}

/** What a failed call means to the caller: too late, or not there. The library's own text carries commands, so it is dropped. */
export function upstreamFault(upstream: Upstream, error: unknown): Fault {
  const timedOut = error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError')
  return timedOut
    ? new Fault('upstream_timeout', `${upstream} did not answer inside its deadline`)
    : new Fault('upstream_unavailable', `${upstream} could not be reached`)
}
