/** Fires the crons of wrangler.toml at the local Worker, because `wrangler dev` never does so by itself. */

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

export const EVERY_MINUTE = '* * * * *'

/** Every minute, and every hour beginning now: signing keys and audit months must not wait for the seventeenth minute. */
const CRONS = [
  { cron: EVERY_MINUTE, everyMs: MINUTE_MS, atStart: false },
  { cron: '17 * * * *', everyMs: HOUR_MS, atStart: true },
]

/** @param port where the Worker listens @returns how to end it */
export function startCrons(port: number): { stop(): Promise<void> } {
  const stopped = new AbortController()
  const timers = CRONS.map(({ cron, everyMs, atStart }) => {
    if (atStart) void fireCron(port, cron, stopped.signal)
    return setInterval(() => void fireCron(port, cron, stopped.signal), everyMs)
  })
  return {
    stop: async () => {
      for (const timer of timers) clearInterval(timer)
      stopped.abort()
    },
  }
}

/** Resolves once the jobs have run. What a job does and how it fails is in its own log lines; here only a Worker that cannot be asked is worth a word. */
export async function fireCron(port: number, cron: string, signal: AbortSignal): Promise<void> {
  const url = `http://127.0.0.1:${port}/cdn-cgi/local/scheduled?cron=${encodeURIComponent(cron)}`
  try {
    await (await fetch(url, { signal })).body?.cancel()
  } catch (error) {
    if (!signal.aborted)
      console.error(`cron ${cron}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
