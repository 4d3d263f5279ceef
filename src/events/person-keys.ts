/**
 * What is personal in an event (address, place, device) is sealed under a key of the person whose it is, so that the
 * audit log, whose rows are never changed, can still be erased: erasure destroys the key. Data of no person is sealed
 * under a key of its tenant: such keys are rows, and move to a newer root key when the operator wants it.
 */
import type { Context } from '../context.ts'
import { isUnknownKeyError } from '../crypto/keyring.ts'
import { open, openUnder, seal, sealUnder } from '../crypto/sealing.ts'
import type { EventClient } from './catalogue.ts'
import { findPersonKeys, makePersonKeys } from './store.ts'

type Sealer = Pick<Context, 'db' | 'settings' | 'random' | 'log'>

/** 32 bytes for each holder that has a key; null where the row does not open. */
export type PersonKeys = ReadonlyMap<string, Uint8Array | null>

const KEY_BYTES = 32

/** In place of sealed text, for data that could not be sealed: no key opens it. */
const UNREADABLE = 'unreadable'

/** The keys of these holders, created where there are none yet. An erased person has none, and gets none. */
export async function requirePersonKeys(ctx: Sealer, holders: readonly string[]): Promise<PersonKeys> {
  const standing = await readPersonKeys(ctx, holders)
  const missing = holders.filter((holder) => !standing.has(holder))
  if (missing.length === 0) return standing
  const made = await Promise.all(
    missing.map(async (userId) => ({
      userId,
      sealedKey: await seal(ctx.settings.authKeys, 'seal:person', ctx.random(KEY_BYTES), userId, ctx.random),
    })),
  )
  // Of two concurrent inserts the first wins, and both then read that key.
  return new Map([...standing, ...(await openKeys(ctx, await makePersonKeys(ctx, made)))])
}

/** The keys that these holders have. */
export async function readPersonKeys(ctx: Sealer, holders: readonly string[]): Promise<PersonKeys> {
  return holders.length === 0 ? new Map() : openKeys(ctx, await findPersonKeys(ctx, [...holders]))
}

/** The same of rows that were read along with something else. */
export const openPersonKeys = (ctx: Sealer, rows: Awaited<ReturnType<typeof findPersonKeys>>) =>
  openKeys(ctx, rows)

/** One that does not open must not cost the others theirs: it is null, and one line says which keys it names. */
async function openKeys(
  { settings, log }: Sealer,
  rows: { userId: string; sealedKey: string }[],
): Promise<PersonKeys> {
  const opened = await Promise.all(
    rows.map(async ({ userId, sealedKey }) => ({
      userId,
      sealedKey,
      key: await orNull(open(settings.authKeys, 'seal:person', sealedKey, userId)),
    })),
  )
  const closed = opened.filter(({ key }) => key === null)
  if (closed.length > 0)
    log('error', 'ALARM: person keys could not be decrypted', {
      keys: closed.length,
      user_id: closed[0]?.userId,
      key_ids: [...new Set(closed.map(({ sealedKey }) => sealedKey.slice(0, 16).split('.')[0]))].join(' '),
    })
  return new Map(opened.map(({ userId, key }) => [userId, key]))
}

/** Null where the ring lacks the key that the text names, too. */
async function orNull(opening: Promise<Uint8Array | null>): Promise<Uint8Array | null> {
  try {
    return await opening
  } catch (error) {
    if (isUnknownKeyError(error)) return null
    throw error
  }
}

/** An event as far as sealing goes. */
type Sealed = { id: string; tenantId: string; actor: string | null; subject: string | null }

/** Whose address and device an event has: of who did it, else of whom it is about, else no one's: the tenant keeps it. */
export const holderOf = ({ actor, subject, tenantId }: Omit<Sealed, 'id'>): string =>
  actor ?? subject ?? tenantId

/** @returns the sealed text, or null where there is nothing personal, or the person is erased */
export async function sealPersonal(
  { random }: Pick<Context, 'random'>,
  keys: PersonKeys,
  { id, client, ...event }: Sealed & { client: EventClient },
): Promise<string | null> {
  if (Object.values(client).every((value) => value === null)) return null
  const key = keys.get(holderOf(event))
  if (key === undefined) return null
  if (key === null) return UNREADABLE
  return sealUnder(key, new TextEncoder().encode(JSON.stringify(client)), ['audit', id], random)
}

/** What a row says of where it came from: null when that was erased, or was never known, or cannot be read. */
export type Personal = { client: EventClient | null; isUnreadable: boolean }

export async function openPersonal(
  { settings }: Pick<Context, 'settings'>,
  keys: PersonKeys,
  { id, personal, ...event }: Sealed & { personal: string | null },
): Promise<Personal> {
  const key = keys.get(holderOf(event))
  // Rows of no one were once sealed under the deployment's keys: three parts, of which the first names the key.
  const isOfRing = personal?.split('.').length === 3
  if (personal === null || (key === undefined && !isOfRing)) return { client: null, isUnreadable: false }
  const plaintext = isOfRing
    ? await orNull(open(settings.authKeys, 'seal:event', personal, id))
    : key && (await openUnder(key, personal, ['audit', id]))
  // What we sealed is what we wrote, so its shape is known.
  const client = plaintext ? (JSON.parse(new TextDecoder().decode(plaintext)) as EventClient) : null
  return { client, isUnreadable: client === null }
}
