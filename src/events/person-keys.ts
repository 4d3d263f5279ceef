/**
 * What is personal in an event (address, place, device) is sealed under a key of the person it is about, so that the
 * audit log, whose rows are never changed, can still forget somebody: erasure destroys the key.
 */
import type { Context } from '../context.ts'
import { open, openUnder, seal, sealUnder } from '../crypto/sealing.ts'
import { Fault } from '../problem.ts'
import type { EventClient } from './catalogue.ts'
import { findPersonKeys, makePersonKeys } from './store.ts'

type Sealer = Pick<Context, 'db' | 'settings' | 'random'>

/** 32 bytes for each person that has a key. */
export type PersonKeys = ReadonlyMap<string, Uint8Array>

const KEY_BYTES = 32

/** The keys of these people, made where there are none yet. Whoever is erased has none, and gets none. */
export async function requirePersonKeys(ctx: Sealer, userIds: readonly string[]): Promise<PersonKeys> {
  const standing = await readPersonKeys(ctx, userIds)
  const missing = userIds.filter((userId) => !standing.has(userId))
  if (missing.length === 0) return standing
  const made = await Promise.all(
    missing.map(async (userId) => ({
      userId,
      sealedKey: await seal(ctx.settings.authKeys, 'seal:person', ctx.random(KEY_BYTES), userId, ctx.random),
    })),
  )
  // Whoever makes a key first has made it: both then read that one.
  return new Map([...standing, ...(await openKeys(ctx, await makePersonKeys(ctx, made)))])
}

/** The keys that these people have. */
export async function readPersonKeys(ctx: Sealer, userIds: readonly string[]): Promise<PersonKeys> {
  return userIds.length === 0 ? new Map() : openKeys(ctx, await findPersonKeys(ctx, [...userIds]))
}

async function openKeys(
  { settings }: Sealer,
  rows: { userId: string; sealedKey: string }[],
): Promise<PersonKeys> {
  return new Map(
    await Promise.all(
      rows.map(async ({ userId, sealedKey }) => {
        const key = await open(settings.authKeys, 'seal:person', sealedKey, userId)
        if (!key) throw new Fault('internal_error', 'a person key does not open')
        return [userId, key] as const
      }),
    ),
  )
}

/** An event as far as sealing goes. */
type Sealed = { id: string; subject: string | null }

/** @returns the sealed text, or null where there is nothing personal, or nobody to keep it for any more */
export async function sealPersonal(
  { settings, random }: Pick<Context, 'settings' | 'random'>,
  keys: PersonKeys,
  { id, subject, client }: Sealed & { client: EventClient },
): Promise<string | null> {
  if (Object.values(client).every((value) => value === null)) return null
  const plaintext = new TextEncoder().encode(JSON.stringify(client))
  if (subject === null) return seal(settings.authKeys, 'seal:event', plaintext, id, random)
  const key = keys.get(subject)
  return key ? sealUnder(key, plaintext, ['audit', id], random) : null
}

/** @returns what was sealed, or null when it was erased (or there was nothing) */
export async function openPersonal(
  { settings }: Pick<Context, 'settings'>,
  keys: PersonKeys,
  { id, subject, personal }: Sealed & { personal: string | null },
): Promise<EventClient | null> {
  if (personal === null) return null
  const key = subject === null ? null : keys.get(subject)
  if (key === undefined) return null
  const plaintext = key
    ? await openUnder(key, personal, ['audit', id])
    : await open(settings.authKeys, 'seal:event', personal, id)
  // What we sealed is what we wrote, so its shape is known.
  return plaintext && (JSON.parse(new TextDecoder().decode(plaintext)) as EventClient)
}
