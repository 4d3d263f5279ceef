/** The one expensive step: Argon2id with the pepper, in one of the isolate's few places, letting others go first. */
import type { Context } from '../context.ts'
import { NO_PEPPER } from '../crypto/foreign-hash.ts'
import { isDear } from '../crypto/foreign-hash-kinds.ts'
import { isVerifiedWhole, requireForeignHash, verifyForeignHash } from '../crypto/foreign-hash-verify.ts'
import { type HashTurn, hashLine } from '../crypto/hash-line.ts'
import { dearHashSlot, hashSlots } from '../crypto/hash-slots.ts'
import { deriveKey } from '../crypto/keyring.ts'
import {
  decoyHash,
  hashPassword,
  needsRehash,
  type PasswordHash,
  verifyPassword,
} from '../crypto/password-hash.ts'
import { Fault } from '../problem.ts'
import { shareOf } from './at-once.ts'
import { type NormalPassword, normalisePassword, type TypedPassword } from './policy.ts'
import { isSealedHash, openHash } from './sealed-password-hash.ts'

export type HashContext = Pick<Context, 'settings' | 'random' | 'now' | 'trips' | 'attempt'>

/** A hash as a row has it, and whose it is; one that is stored elsewhere has no owner and is never sealed. */
export type StoredHash = PasswordHash & { userId: string | null }

/** @throws Fault `overloaded` */
export async function hash(ctx: HashContext, password: NormalPassword): Promise<PasswordHash> {
  const pepper = await deriveKey(ctx.settings.authKeys, 'password-pepper')
  return inSlot(ctx, () => hashPassword(password, { cost: ctx.settings.argon2, pepper, random: ctx.random }))
}

/**
 * Without a stored password the decoy of the same cost is verified, and never matches. An imported hash takes as long as
 * it takes where it was made, and is compared with the password as that system got it: as it was typed.
 * @throws Fault `overloaded`
 */
export async function verify(
  ctx: HashContext,
  password: TypedPassword,
  stored: StoredHash | null,
): Promise<boolean> {
  if (stored?.keyId === NO_PEPPER) {
    const foreign = requireForeignHash(stored.phc)
    const inPlace = isDear(foreign) ? inDearSlot : inSlot
    return inPlace(ctx, () => verifyForeignHash(password, foreign))
  }
  const { authKeys, argon2 } = ctx.settings
  const { phc, pepper } = stored
    ? await openHash(authKeys, stored, stored.userId ?? '')
    : { phc: decoyHash(argon2), pepper: (await deriveKey(authKeys, 'password-pepper')).key }
  return inSlot(ctx, () => verifyPassword(normalisePassword(password), phc, pepper) && stored !== null)
}

/**
 * Hashes a password anew that `verify` has found right, if its hash is not as ours are now and nothing of the password
 * was left out when it was verified.
 * @returns null when the stored hash stays
 * @throws Fault `overloaded`
 */
export async function rehash(
  ctx: HashContext,
  password: TypedPassword,
  stored: StoredHash,
): Promise<PasswordHash | null> {
  const { argon2, authKeys } = ctx.settings
  const isDue =
    stored.keyId === NO_PEPPER
      ? isVerifiedWhole(password, requireForeignHash(stored.phc))
      : isSealedHash(stored) || needsRehash(stored, argon2, authKeys[0].keyId)
  return isDue ? hash(ctx, normalisePassword(password)) : null
}

async function inSlot<T>({ settings, now, attempt }: HashContext, work: () => T | Promise<T>): Promise<T> {
  const isKnown = attempt.isKnown || attempt.account === null
  const limits = { most: shareOf(settings.maxHashesInFlight, { isKnown }), withinMs: settings.hashWaitMs }
  const place = hashLine.enter(now().getTime(), limits, turnOf(attempt))
  if (!place)
    throw new Fault(
      'overloaded',
      `a hash could not begin within ${limits.withinMs} ms, or as one of ${limits.most}`,
    )
  try {
    // At least once: answers that have arrived for other requests go first.
    for (let pause: number | null = 0; pause !== null; pause = place.ask(now().getTime()))
      await scheduler.wait(pause)
    return await work()
  } finally {
    place.leave()
  }
}

/** Fewer attempts at the account first; of as many, the browser that it knows. A caller who is signed in is known. */
function turnOf({ account, isKnown }: Context['attempt']): HashTurn {
  if (account === null) return { rank: () => 1, mustYield: () => false }
  return {
    rank: () => 2 * hashSlots.count(account) - Number(isKnown),
    mustYield: () => hashSlots.hasQuieter(account),
  }
}

const DEAR_TRIES = 100
const DEAR_PAUSE_MS = 50

/**
 * One dear hash at a time in an isolate, whatever else is under way: it lets other requests go on where it can. Those that
 * come meanwhile ask again for five seconds; none awaits another's promise, which would never settle once its client is
 * gone. What it takes is not held against the request's deadline, or a slow machine would let its owner never in.
 */
async function inDearSlot<T>({ now, trips }: HashContext, work: () => T | Promise<T>): Promise<T> {
  for (let tries = 0; tries < DEAR_TRIES; tries++) {
    const giveBack = dearHashSlot.take(now().getTime(), 1)
    if (giveBack) {
      try {
        const begunAt = Date.now()
        await scheduler.wait(0)
        const result = await work()
        trips.postpone(Date.now() - begunAt)
        return result
      } finally {
        giveBack()
      }
    }
    await scheduler.wait(DEAR_PAUSE_MS)
  }
  throw new Fault('overloaded', 'a slow hash is in progress')
}
