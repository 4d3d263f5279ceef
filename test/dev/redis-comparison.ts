/** Runs the same step on two Redis connections and tells whether their answers agree; clocks may differ by seconds. */
import { isStatus, type RedisConnection, RedisError, type Reply } from '../../dev/redis/reply.ts'

/** A single command, or several as one transaction. Words are byte strings. */
export type Step = { command: string[] } | { transaction: string[][] }

export async function perform(connection: RedisConnection, step: Step): Promise<Reply> {
  const running =
    'command' in step ? connection.exec(step.command, 'bytes') : connection.multi(step.transaction, 'bytes')
  return running.catch((error: unknown) => {
    if (error instanceof RedisError) return error
    throw error
  })
}

export function alike(step: Step, ours: Reply, theirs: Reply): boolean {
  if ('command' in step) return sameReply(step.command, ours, theirs)
  if (!Array.isArray(ours) || !Array.isArray(theirs)) return sameReply([], ours, theirs)
  return (
    ours.length === theirs.length &&
    step.transaction.every((words, index) => sameReply(words, ours[index] ?? null, theirs[index] ?? null))
  )
}

const CLOCK_TOLERANCE_MS = 10_000
const UNORDERED = new Set(['KEYS'])
const TIMES = new Map([
  ['PTTL', CLOCK_TOLERANCE_MS],
  ['TTL', CLOCK_TOLERANCE_MS / 1000],
])

function sameReply([name = '']: string[], ours: Reply, theirs: Reply): boolean {
  const tolerance = TIMES.get(name)
  if (tolerance !== undefined && typeof ours === 'number' && typeof theirs === 'number' && theirs > 0) {
    return Math.abs(ours - theirs) <= Math.max(tolerance, theirs * 2 ** -50)
  }
  return canonical(name, ours) === canonical(name, theirs)
}

/** The reply as text; lists without an order of their own are sorted. */
export function canonical(name: string, reply: Reply): string {
  if (UNORDERED.has(name) && Array.isArray(reply)) {
    return `{${reply
      .map((item) => canonical(name, item))
      .sort()
      .join()}}`
  }
  if (Array.isArray(reply)) return `[${reply.map((item) => canonical('', item)).join()}]`
  if (reply instanceof RedisError) return `error ${JSON.stringify(reply.message)}`
  if (reply !== null && isStatus(reply)) return `status ${JSON.stringify(reply.status)}`
  return JSON.stringify(reply)
}
