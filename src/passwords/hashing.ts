/** The one expensive step: Argon2id with the pepper, in one of the isolate's few places, letting others go first. */
import type { Context } from '../context.ts'
import { NO_PEPPER } from '../crypto/foreign-hash.ts'
import { verifyForeignHash } from '../crypto/foreign-hash-verify.ts'
import { hashSlots } from '../crypto/hash-slots.ts'
import { deriveKey } from '../crypto/keyring.ts'
import { decoyHash, hashPassword, type PasswordHash, verifyPassword } from '../crypto/password-hash.ts'
import { openHash } from '../crypto/sealed-password-hash.ts'
import { Fault } from '../problem.ts'
import type { NormalPassword } from './policy.ts'

type HashContext = Pick<Context, 'settings' | 'random' | 'now'>

/** A hash as a row has it, and whose it is; one that is kept elsewhere is nobody's and never sealed. */
export type StoredHash = PasswordHash & { userId: string | null }

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
  stored: StoredHash | null,
): Promise<boolean> {
  if (stored?.keyId === NO_PEPPER) return inSlot(ctx, () => verifyForeignHash(password, stored.phc))
  const { authKeys, argon2 } = ctx.settings
  const { phc, pepper } = stored
    ? await openHash(authKeys, stored, stored.userId ?? '')
    : { phc: decoyHash(argon2), pepper: (await deriveKey(authKeys, 'password-pepper')).key }
  return inSlot(ctx, () => verifyPassword(password, phc, pepper) && stored !== null)
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
