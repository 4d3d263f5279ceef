/** What a check of `npm run doctor` says: how bad it is, in one sentence, and what to do about it. */
import type { Secret } from '../../src/settings.ts'
import { lineOf, type OperatorContext } from '../context.ts'

/** `wrong`: people are refused, or will be. `warning`: it works, and not as well as it should. */
export type Finding =
  | { level: 'ok' | 'skipped'; says: string }
  | { level: 'warning' | 'wrong'; says: string; do: string }

/** A part of the deployment, and the settings without which nothing can be said about it. */
export type Check = {
  part: string
  needs: readonly Secret[]
  look: (ctx: OperatorContext) => Promise<Finding[]>
}

export type Report = { part: string; findings: Finding[] }

export const ok = (says: string): Finding => ({ level: 'ok', says })
export const warning = (says: string, advice: string): Finding => ({ level: 'warning', says, do: advice })
export const wrong = (says: string, advice: string): Finding => ({ level: 'wrong', says, do: advice })

/** @param has which settings the command was given. A check that fails is a finding like any other. */
export async function runCheck(
  { part, needs, look }: Check,
  ctx: OperatorContext,
  has: (name: Secret) => boolean,
): Promise<Report> {
  const lacking = needs.filter((name) => !has(name))
  if (lacking.length > 0)
    return {
      part,
      findings: [{ level: 'skipped', says: `give the command ${lacking.join(' and ')} to check it` }],
    }
  try {
    return { part, findings: await look(ctx) }
  } catch (error) {
    return {
      part,
      findings: [wrong(lineOf(error), `see whether ${part} can be reached from here, and try again`)],
    }
  }
}

/** The median of a few trips in milliseconds; the first one also makes the connection, and does not count. */
export async function measureTrips(trip: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let run = 0; run < 6; run++) {
    const start = performance.now()
    await trip()
    times.push(performance.now() - start)
  }
  return Math.round(times.slice(1).toSorted((one, other) => one - other)[2] ?? 0)
}
