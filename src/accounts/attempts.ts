/**
 * Guessing: failed attempts in a row, counted in PostgreSQL by the statement that records the failure, so that no flush
 * of Redis forgets them (NIST SP 800-63B-4 §3.2.2). Both outcomes of an attempt are decided by the same condition at the
 * moment they are written: of any number of simultaneous guesses only as many count as there were attempts left, and
 * what answers a right guess that came too late is what answers a wrong one.
 */
import { refuseOver } from '../limits/check.ts'
import { type Refusal, refuse } from '../problem.ts'
import type { CanonicalEmail } from './accounts.ts'

/** So many failures cost nothing; from the next one on, each doubles the delay. */
export const FREE_FAILURES = 4
export const FIRST_DELAY_SECONDS = 30
export const LONGEST_DELAY_SECONDS = 3600
/** Then password sign-in is disabled, until the password is reset or another factor signs in. */
export const MAX_FAILURES = 100

/** The state of the attempts: failures in a row, and the seconds until the next attempt is allowed (0: now). */
export type Attempts = { failures: number; waitSeconds: number }

/**
 * @returns null when the attempt is heard; refusals `rate_limited` (a delay runs) and `disabled`. The same for an
 * address without an account, which is counted alike.
 */
export function refuseUnheard(
  { failures, waitSeconds }: Attempts,
  disabled: 'password_disabled' | 'second_factor_disabled' = 'password_disabled',
): Refusal | null {
  const evidence = { consecutive_failures: failures }
  if (failures >= MAX_FAILURES) return refuse(disabled, { evidence })
  if (waitSeconds <= 0) return null
  const refusal = refuseOver('failures', { rate: FREE_FAILURES + 1, seconds: waitSeconds }, waitSeconds)
  return { ...refusal, evidence: { ...refusal.evidence, ...evidence } }
}

/**
 * Whose failures are counted together: those at an account from anywhere, or those at it from one browser that it
 * knows. A digest, not a secret: it fits the column, and identifies no one without an account.
 * @param device the nonce of the browser's cookie, once its signature has been checked
 */
export function attemptSubject(email: CanonicalEmail, device: string | null): Promise<Uint8Array> {
  return digestOf(device === null ? `account\0${email}` : `device\0${email}\0${device}`)
}

/** The subject of failures when a signed-in caller gives the password again: their own, so that a stranger cannot block them. */
export const confirmationSubject = (sessionId: string): Promise<Uint8Array> =>
  digestOf(`session\0${sessionId}`)

/** Whose failures at second factors are counted together: all of an account, whichever factor and whichever door. */
export const secondFactorSubject = (userId: string): Promise<Uint8Array> =>
  digestOf(`second_factor\0${userId}`)

async function digestOf(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
}
