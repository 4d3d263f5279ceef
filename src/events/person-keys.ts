/**
 * What is personal in an event (address, place, device) is sealed under a key of the person whose it is, so that the
 * audit log, whose rows are never changed, can still forget somebody: erasure destroys the key.
 */
import type { Context } from '../context.ts'
import { isUnknownKeyError } from '../crypto/keyring.ts'
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
type Sealed = { id: string; actor: string | null; subject: string | null }

/** Whose address and device an event has: of who did it; where nobody knows, it is kept for whom it is about. */
export const personOf = ({ actor, subject }: Omit<Sealed, 'id'>): string | null => actor ?? subject

/** @returns the sealed text, or null where there is nothing personal, or nobody to keep it for any more */
export async function sealPersonal(
  { settings, random }: Pick<Context, 'settings' | 'random'>,
  keys: PersonKeys,
  { id, client, ...event }: Sealed & { client: EventClient },
): Promise<string | null> {
  if (Object.values(client).every((value) => value === null)) return null
  const plaintext = new TextEncoder().encode(JSON.stringify(client))
  const person = personOf(event)
  if (person === null) return seal(settings.authKeys, 'seal:event', plaintext, id, random)
  const key = keys.get(person)
  return key ? sealUnder(key, plaintext, ['audit', id], random) : null
}

/** @returns what was sealed, or null when it was erased (or there was nothing) */
export async function openPersonal(
  { settings }: Pick<Context, 'settings'>,
  keys: PersonKeys,
  { id, personal, ...event }: Sealed & { personal: string | null },
): Promise<EventClient | null> {
  if (personal === null) return null
  const key = keys.get(personOf(event) ?? '')
  // What is sealed under the deployment's keys names the key, which what is sealed under a person's cannot.
  const isOfNobody = personal.split('.').length === 3
  const plaintext = isOfNobody
    ? await open(settings.authKeys, 'seal:event', personal, id)
    : key && (await openUnder(key, personal, ['audit', id]))
  // What we sealed is what we wrote, so its shape is known.
  return plaintext ? (JSON.parse(new TextDecoder().decode(plaintext)) as EventClient) : null
}

/** The same; what is about nobody goes when the deployment's key that it is sealed under leaves the ring. */
export async function openIfKept(
  ...[ctx, keys, row]: Parameters<typeof openPersonal>
): Promise<EventClient | null> {
  try {
    return await openPersonal(ctx, keys, row)
  } catch (error) {
    if (isUnknownKeyError(error)) return null
    throw error
  }
}
