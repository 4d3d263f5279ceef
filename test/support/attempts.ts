/** Failed sign-ins as the table keeps them: to prove what is counted, and to move the clock of a delay. */
import { createHash } from 'node:crypto'
import type { Backend, TestTenant } from './service.ts'
import { untilWaiting } from './sessions.ts'

type Sql = Pick<Backend, 'sql'>

/**
 * At which account (or address without one) the attempts were, and from which browser when that is a known one; or in
 * which session the password was asked for again.
 */
export type At = { tenant: Pick<TestTenant, 'id'> } & Subject
type Subject = { email: string; nonce?: string } | { sessionId: string }

export const WRONG = 'not the password'

/** How the digest of a row is made, written down a second time: a change would forget everyone's failures. */
export const subjectOf = (at: Subject) => createHash('sha256').update(textOf(at)).digest()

function textOf(at: Subject): string {
  if ('sessionId' in at) return `session\0${at.sessionId}`
  return at.nonce === undefined ? `account\0${at.email}` : `device\0${at.email}\0${at.nonce}`
}

const key = (at: At) => [at.tenant.id, subjectOf(at)]

/** The row, or null; `delaySeconds` is what the last failure brought about, however much of it has passed. */
export async function attemptsAt({ sql }: Sql, at: At) {
  const [row] = await sql<{ failures: number; delaySeconds: number; late: number }>(
    `select consecutive_failures as failures, late_attempts as late,
       coalesce(round(extract(epoch from next_attempt_at - last_attempt_at)), 0)::int as "delaySeconds"
     from sign_in_failures where tenant_id = $1 and subject = $2`,
    key(at),
  )
  return row ?? null
}

export async function failuresAt(service: Sql, at: At): Promise<number> {
  return (await attemptsAt(service, at))?.failures ?? 0
}

/** As if so many attempts in a row had failed, and the delay after the last of them were over. */
export async function setFailures({ sql }: Sql, at: At, failures: number): Promise<void> {
  await sql(
    `insert into sign_in_failures (tenant_id, subject, consecutive_failures) values ($1, $2, $3)
     on conflict (tenant_id, subject) do update
       set consecutive_failures = $3, next_attempt_at = null, late_attempts = 0`,
    [...key(at), failures],
  )
}

/** The delay is over. */
export async function endDelay({ sql }: Sql, at: At): Promise<void> {
  await sql(
    'update sign_in_failures set next_attempt_at = last_attempt_at where tenant_id = $1 and subject = $2',
    key(at),
  )
}

/** A delay runs, for a while yet. */
export async function beginDelay({ sql }: Sql, at: At): Promise<void> {
  await sql(
    `update sign_in_failures set next_attempt_at = now() + interval '30 minutes'
     where tenant_id = $1 and subject = $2`,
    key(at),
  )
}

/** What the fifth failure in a row brings about. */
const FIRST_DELAY_MS = 30_000

/**
 * Runs `burst` in less than the first delay: one that takes longer has a sixth guess heard, rightly, so then it is made
 * again. It must choose a new account each time it is called.
 */
export async function inOneDelay<T>(burst: () => Promise<T>): Promise<T> {
  for (;;) {
    const begun = performance.now()
    const outcome = await burst()
    if (performance.now() - begun < FIRST_DELAY_MS) return outcome
  }
}

/** Attempts at one account that all read, and hash, before the first of them is decided. */
export function decidedTogether<T>(
  service: Race,
  at: At,
  waiting: number,
  attempts: () => Promise<T>,
): Promise<T> {
  const hold = `insert into sign_in_failures (tenant_id, subject, consecutive_failures) values ($1, $2, 1)
    on conflict (tenant_id, subject) do update set consecutive_failures = sign_in_failures.consecutive_failures`
  return whileHeld(service, { text: hold, values: key(at), waiting }, attempts)
}

type Race = Pick<Backend, 'sql' | 'connect' | 'database'>

/**
 * Starts requests while a transaction holds what decides between them, until `waiting` of their statements have come to
 * wait for it: they are then as simultaneous as they can be. The transaction is undone, so that where there was no row
 * there is none; a statement that would insert it waits all the same.
 */
export async function whileHeld<T>(
  service: Race,
  { text, values, waiting }: { text: string; values: unknown[]; waiting: number },
  requests: () => Promise<T>,
): Promise<T> {
  const holder = await service.connect()
  await holder.query('begin')
  await holder.query(text, values)
  let answered = false
  try {
    const answering = requests().finally(() => {
      answered = true
    })
    // Where no one waits, the answers say what went wrong.
    await Promise.race([untilSoManyWait(service, waiting, () => answered), answering])
    await holder.query('rollback')
    return await answering
  } finally {
    await holder.end()
  }
}

/** Like `untilWaiting` of test/support/sessions.ts, with the patience that fifty hashes need on a machine that others use. */
export async function untilSoManyWait(service: Race, count: number, isOver: () => boolean): Promise<void> {
  const deadline = Date.now() + 60_000
  for (;;) {
    try {
      return await untilWaiting(service, count)
    } catch (error) {
      if (isOver() || Date.now() > deadline) throw error
    }
  }
}
