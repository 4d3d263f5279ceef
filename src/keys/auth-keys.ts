/**
 * Whether a Worker's AUTH_KEYS are the deployment's. A ring that lacks a key which is in use cannot tell a token of that
 * key from a made-up one, nor whose password it is: so it refuses both alike, as our fault, and never says that a caller
 * is wrong. While a key is being handed out, Workers report what they hold (`npm run keys`).
 */
import type { Context, JobContext } from '../context.ts'
import { Fault } from '../problem.ts'
import { findRingState, reportKeyring } from './auth-keys-store.ts'

/** The Workers that hold AUTH_KEYS; the all-in-one Worker reports as each of them. */
export const KEYED_WORKERS = [
  'password',
  'session',
  'email',
  'mfa',
  'passkey',
  'social',
  'api-key',
  'webhook',
  'admin',
  'pages',
  'jobs',
] as const
export type KeyedWorker = (typeof KEYED_WORKERS)[number]

/** What the database knows of the ring at hand. */
export type RingState = {
  /** Ids in use that the ring does not have. */
  lacking: string[]
  /** Whether anything is made under its newest key yet. */
  isNewestInUse: boolean
  isReportDue: boolean
}

/** @throws Fault `upstream_unavailable`, which names the ids, when the ring lacks a key that is in use */
export function requireKeys(
  ctx: Pick<Context, 'db' | 'settings' | 'defer'>,
  ring: RingState | null | undefined,
  worker: KeyedWorker,
): void {
  noteRing(ctx, ring, worker)
  if (ring && ring.lacking.length > 0) throw lacksKeys(ring.lacking)
}

/** The same for who has no statement that reads the ring's state: one trip, for what names a key that the ring lacks. */
export async function requireKeysInUse(
  ctx: Pick<Context, 'db' | 'settings' | 'defer'>,
  worker: KeyedWorker,
): Promise<void> {
  requireKeys(ctx, await findRingState(ctx, worker), worker)
}

/**
 * For what only makes new things: an older key than the others' does for that; one that no other Worker has does not.
 * @throws Fault `upstream_unavailable` when the ring is not the deployment's
 */
export function requireOwnKey(
  ctx: Pick<Context, 'db' | 'settings' | 'defer'>,
  ring: RingState | null | undefined,
  worker: KeyedWorker,
): void {
  if (ring?.isNewestInUse) noteRing(ctx, ring, worker)
  else requireKeys(ctx, ring, worker)
}

/** For reads that need no key of the ring: reports it, where a report is due, after the response. */
export function noteRing(
  ctx: Pick<Context, 'db' | 'settings' | 'defer'>,
  ring: RingState | null | undefined,
  worker: KeyedWorker,
): void {
  if (ring?.isReportDue) ctx.defer(reportKeyring(ctx, worker))
}

const lacksKeys = (lacking: string[]) =>
  new Fault(
    'upstream_unavailable',
    `AUTH_KEYS of this Worker lacks ${lacking.join(', ')}, in use since others have it; see npm run keys`,
  )

/** The same for the Worker `jobs`, once a minute. */
export async function checkKeyring(ctx: JobContext): Promise<void> {
  const ring = await findRingState(ctx, 'jobs')
  if (ring?.isReportDue) await reportKeyring(ctx, 'jobs')
  if (ring && ring.lacking.length > 0)
    ctx.log('error', 'ALARM: key missing', { cause: lacksKeys(ring.lacking).message })
}
