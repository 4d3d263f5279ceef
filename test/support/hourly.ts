/** The cron of every hour, and what it said. */
import type { Service } from './service.ts'

export const HOURLY = '17 * * * *'

/** Runs it once. @returns the lines of its jobs, by message */
export async function runHourly(service: Service): Promise<Record<string, Record<string, unknown>>> {
  const before = service.logs().length
  const { outcome } = await service.runCron(HOURLY)
  const said = linesOf(service, before)
  if (outcome !== 'ok') throw new Error(`the cron ended with ${outcome}: ${JSON.stringify(said)}`)
  return Object.fromEntries(said.map((line) => [String(line.message), line]))
}

/** Every structured line so far, without the first `skipped` lines of any kind. */
export const linesOf = (service: Service, skipped = 0): Record<string, unknown>[] =>
  service
    .logs()
    .slice(skipped)
    .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []))
