/**
 * Counts the round trips of one request and gives each its deadline. At the edge the trips decide how fast
 * an operation is, so every outbound call goes through here, and tests hold the trip budgets to these counts.
 */
import { Fault } from '../problem.ts'

export type Upstream = 'postgres' | 'redis'

export type Trips = {
  counted(): Record<Upstream, { trips: number; milliseconds: number }>
  /** Counts one call; the signal carries its own deadline, or what is left of the whole request's. */
  begin(upstream: Upstream): { signal: AbortSignal; end(): void }
  /** Time that was spent on what no upstream is to blame for: the whole request may take as much longer. */
  postpone(milliseconds: number): void
  /** Ends every call to `upstream` that is under way, for a client that only tells when one begins. */
  endAll(upstream: Upstream): void
}

/** @param deadlinesMs per call, and `request` for everything together */
export function createTrips(deadlinesMs: Record<Upstream | 'request', number>): Trips {
  const counts = { postgres: { trips: 0, milliseconds: 0 }, redis: { trips: 0, milliseconds: 0 } }
  const underWay = { postgres: new Set<() => void>(), redis: new Set<() => void>() }
  let lastMoment = Date.now() + deadlinesMs.request
  return {
    counted: () => counts,
    begin(upstream) {
      const begunAt = Date.now()
      const milliseconds = Math.min(deadlinesMs[upstream], Math.max(1, lastMoment - begunAt))
      const { signal, clear } = createDeadline(milliseconds, lastMoment)
      const end = () => {
        clear()
        if (underWay[upstream].delete(end)) counts[upstream].milliseconds += Date.now() - begunAt
      }
      counts[upstream].trips += 1
      underWay[upstream].add(end)
      return { signal, end }
    },
    postpone: (milliseconds) => {
      lastMoment += milliseconds
    },
    endAll: (upstream) => {
      for (const end of underWay[upstream]) end()
    },
  }
}

const LATE_MS = 10

/**
 * Aborts when the upstream has kept us waiting for `milliseconds`. That is counted in ten turns of the event loop, not
 * by the clock: an Argon2 hash of another request holds the isolate for tens of milliseconds, while an answer may have
 * arrived and waits for its turn, and that is no fault of the upstream. A turn that comes late says that the isolate is
 * busy, and counts a quarter. `lastMoment` is the clock's.
 */
export function createDeadline(
  milliseconds: number,
  lastMoment: number,
): { signal: AbortSignal; clear(): void } {
  const controller = new AbortController()
  let quarters = 40
  let due = Date.now() + milliseconds / 10
  const turn = () => {
    const now = Date.now()
    quarters -= now > due + LATE_MS ? 1 : 4
    due = now + milliseconds / 10
    if (quarters > 0 && now < lastMoment) timer = setTimeout(turn, milliseconds / 10)
    else controller.abort(new DOMException('deadline', 'TimeoutError'))
  }
  let timer = setTimeout(turn, milliseconds / 10)
  return { signal: controller.signal, clear: () => clearTimeout(timer) }
}

/** What a failed call means to the caller: too late, or not there. The library's own text carries commands, so it is dropped. */
export function upstreamFault(upstream: Upstream, error: unknown): Fault {
  const timedOut = error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError')
  return timedOut
    ? new Fault('upstream_timeout', `${upstream} did not answer before its deadline`)
    : new Fault('upstream_unavailable', `${upstream} could not be reached`)
}
