/**
 * A host's addresses, asked over HTTPS of a resolver that we chose (`application/dns-json`): a Worker cannot ask its own.
 * What does not answer, or not in that form, is a fault: nothing is ever sent to an address that was not seen.
 */
import type { Context } from '../context.ts'
import { Fault } from '../problem.ts'
import { readAtMost } from './read-at-most.ts'

const TIMEOUT_MS = 3_000
/** Of one that is longer this much is read, which is then no JSON. */
const MAX_ANSWER_BYTES = 64 * 1024

/** Record types (RFC 1035, 3596) of which every answer counts, whichever was asked for. */
const ADDRESS_TYPES: readonly unknown[] = [1, 28]

/**
 * Every address of the host, of both families; empty when it has none.
 * @returns null when its name servers do not answer for it
 * @throws Fault `upstream_*` when the resolver cannot be asked
 */
export async function findAddresses(ctx: Pick<Context, 'settings'>, host: string): Promise<string[] | null> {
  const answers = await Promise.all([ask(ctx, host, 'A'), ask(ctx, host, 'AAAA')])
  return answers.some((answer) => answer === null) ? null : answers.flatMap((answer) => answer ?? [])
}

async function ask({ settings }: Pick<Context, 'settings'>, host: string, type: 'A' | 'AAAA') {
  const url = new URL(settings.outbound.dnsOverHttpsUrl)
  url.searchParams.set('name', host)
  url.searchParams.set('type', type)
  let text: string | null
  try {
    const response = await fetch(url, {
      headers: { accept: 'application/dns-json' },
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    text = response.status === 200 ? await readAtMost(response, MAX_ANSWER_BYTES) : null
  } catch (error) {
    // The library's own text may name the address that was asked.
    const isLate = error instanceof Error && /^(Timeout|Abort)Error$/.test(error.name)
    throw isLate
      ? new Fault('upstream_timeout', 'DNS over HTTPS did not answer before its deadline')
      : new Fault('upstream_unavailable', 'DNS over HTTPS could not be reached')
  }
  const answer = text === null ? undefined : parseAnswer(text)
  if (answer === undefined) throw new Fault('upstream_unavailable', 'DNS over HTTPS sent an invalid answer')
  return answer
}

const NO_ERROR = 0
const NO_SUCH_NAME = 3

/** @returns null when the name servers failed (any other RCODE of RFC 1035), undefined for what is no answer at all */
function parseAnswer(text: string): string[] | null | undefined {
  let answer: unknown
  try {
    answer = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isObject(answer) || typeof answer.Status !== 'number') return undefined
  if (answer.Status !== NO_ERROR && answer.Status !== NO_SUCH_NAME) return null
  const records: unknown = answer.Answer ?? []
  if (!Array.isArray(records)) return undefined
  return records
    .filter((record) => isObject(record) && ADDRESS_TYPES.includes(record.type))
    .map(({ data }) => String(data))
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
