/** The one expensive step: Argon2id with the pepper, in one of the isolate's few places, letting others go first. */
import type { Context } from '../context.ts'
import { NO_PEPPER } from '../crypto/foreign-hash.ts'
import { verifyForeignHash } from '../crypto/foreign-hash-verify.ts'
import { hashSlots } from '../crypto/hash-slots.ts'
import { deriveKey } from '../crypto/keyring.ts'
import { decoyHash, hashPassword, type PasswordHash, verifyPassword } from '../crypto/password-hash.ts'
import { Fault } from '../problem.ts'
import type { NormalPassword } from './policy.ts'

type HashContext = Pick<Context, 'settings' | 'random' | 'now'>

/** @throws Fault `overloaded` */
export async function hash(ctx: HashContext, password: NormalPassword): Promise<PasswordHash> {
  const pepper = await deriveKey(ctx.settings.authKeys, 'password-pepper')
  return inSlot(ctx, () => hashPassword(password, { cost: ctx.settings.argon2, pepper, random: ctx.random }))
}

/**
 * Without a stored password the decoy of the same cost is verified, and never matches. An imported hash takes as long as
 * it takes where it was made, until its owner has signed in once.
 * @throws Fault `overloaded`
 */
export async function verify(
  ctx: HashContext,
  password: NormalPassword,
  stored: PasswordHash | null,
): Promise<boolean> {
  if (stored?.keyId === NO_PEPPER) return inSlot(ctx, () => verifyForeignHash(password, stored.phc))
  const { authKeys, argon2 } = ctx.settings
  const { key } = await deriveKey(authKeys, 'password-pepper', stored?.keyId)
  return inSlot(ctx, () => verifyPassword(password, stored?.phc ?? decoyHash(argon2), key) && stored !== null)
}

async function inSlot<T>({ settings, now }: HashContext, work: () => T | Promise<T>): Promise<T> {
  const giveBack = hashSlots.take(now().getTime(), settings.maxHashesInFlight)
  if (!giveBack) throw new Fault('overloaded', `${settings.maxHashesInFlight} hashes are under way`)
  try {
    await scheduler.wait(0) // answers that have arrived for other requests go first
    return await work()
  } finally {
    giveBack()
  }
}
