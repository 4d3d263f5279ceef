/**
 * Cursors of lists: where a page ended, sealed, so that a client can neither guess nor change it, and bound to the list and the
 * host it was made for: elsewhere it is no cursor.
 */
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { isUnknownKeyError } from '../crypto/keyring.ts'
import { open, seal } from '../crypto/sealing.ts'
import { type Refusal, refuse } from '../problem.ts'

/** The query parameters of every list. */
export const PAGE = {
  limit: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[0-9]{1,3}$/, 'out_of_range'),
      v.transform(Number),
      v.minValue(1, 'out_of_range'),
      v.maxValue(100, 'out_of_range'),
    ),
    '20',
  ),
  cursor: v.optional(v.pipe(v.string(), v.maxLength(300, 'invalid_cursor'))),
}

/** One page of a list, as it is answered. */
export const pageAnswer = <Item extends v.GenericSchema>(item: Item) =>
  v.object({ data: v.array(item), next_cursor: v.nullable(v.string()) })

type Sealer = Pick<Context, 'settings' | 'host' | 'random'>

/** @param list its name, with whatever else a cursor must not be carried across: an owner, filters */
export async function sealCursor(
  { settings, host, random }: Sealer,
  list: string,
  position: string,
): Promise<string> {
  return seal(settings.authKeys, 'cursor', new TextEncoder().encode(position), `${list}@${host}`, random)
}

/**
 * @param requireKeys asked where the cursor names a key that the ring lacks, which the caller may have made up: throws where
 * one that is in use is missing, which is our fault
 * @returns null for the first page, the position after which the next one begins, or refusal `invalid_input`
 */
export async function openCursor(
  { settings, host }: Sealer,
  list: string,
  cursor: string | undefined,
  requireKeys: () => Promise<void>,
): Promise<string | null | Refusal> {
  if (cursor === undefined) return null
  try {
    const opened = await open(settings.authKeys, 'cursor', cursor, `${list}@${host}`)
    if (opened) return new TextDecoder().decode(opened)
  } catch (error) {
    if (!isUnknownKeyError(error)) throw error
    await requireKeys()
  }
  return refuse('invalid_input', { errors: [{ pointer: '/cursor', code: 'invalid_cursor' }] })
}

/**
 * One page out of the rows of a query that asked for one more than `limit`: that tells whether there is a next page.
 * @param positionOf the position of a row in the order of the list
 */
export async function pageOf<Row>(
  ctx: Sealer,
  list: string,
  { rows, limit, positionOf }: { rows: Row[]; limit: number; positionOf(row: Row): string },
): Promise<{ rows: Row[]; next_cursor: string | null }> {
  const page = rows.slice(0, limit)
  const last = rows.length > limit ? page.at(-1) : undefined
  return { rows: page, next_cursor: last ? await sealCursor(ctx, list, positionOf(last)) : null }
}
