/** GET /v1/sessions — where the caller is signed in: live sessions, newest first, a page at a time. */
import { Hono } from 'hono'
import * as v from 'valibot'
import type { Context, Env } from '../context.ts'
import { isUnknownKeyError } from '../crypto/keyring.ts'
import { open, seal } from '../crypto/sealing.ts'
import { instant } from '../http/answer.ts'
import { UUID } from '../http/input.ts'
import { query } from '../http/query.ts'
import { isRefusal, problemResponse, refuse } from '../problem.ts'
import { readAsCaller } from './caller.ts'
import { listSessions } from './store.ts'

const Page = v.strictObject({
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
  cursor: v.optional(v.pipe(v.string(), v.maxLength(200, 'invalid_cursor'))),
})

export const listOwnSessions = new Hono<Env>().get('/v1/sessions', query(Page), async (c) => {
  const { ctx } = c.var
  const { limit, cursor } = c.req.valid('query')
  const after = cursor === undefined ? null : await openCursor(ctx, cursor)
  if (after === undefined) {
    const errors = [{ pointer: '/cursor', code: 'invalid_cursor' }]
    return problemResponse(refuse('invalid_input', { errors }), ctx)
  }
  // One row more than asked for tells whether there is a next page.
  const page = await readAsCaller(ctx, c.req.raw.headers, 'listSessions', (claimed) =>
    listSessions(ctx, claimed, { after, limit: limit + 1 }),
  )
  if (isRefusal(page)) return problemResponse(page, ctx)

  const rows = page.found.slice(0, limit)
  const last = page.found.length > limit ? rows.at(-1) : undefined
  return c.json({
    data: rows.map((row) => ({
      id: row.id,
      created_at: instant(row.createdAt),
      last_used_at: instant(row.lastUsedAt),
      expires_at: instant(row.expiresAt),
      address: row.address,
      country: row.country,
      city: row.city,
      network: row.network,
      user_agent: row.userAgent,
      device: row.device,
      methods: row.methods,
      current: row.id === page.caller.sessionId,
    })),
    next_cursor: last ? await sealCursor(ctx, last.id) : null,
  })
})

type Sealer = Pick<Context, 'settings' | 'host' | 'random'>

/** Opaque, and bound to this list on this host: the id inside cannot be guessed at or carried elsewhere. */
async function sealCursor({ settings, host, random }: Sealer, lastId: string): Promise<string> {
  return seal(settings.authKeys, 'cursor', new TextEncoder().encode(lastId), `sessions@${host}`, random)
}

/** @returns the last id of the page before, or undefined for anything that is not a cursor of this list */
async function openCursor({ settings, host }: Sealer, cursor: string): Promise<string | undefined> {
  try {
    const opened = await open(settings.authKeys, 'cursor', cursor, `sessions@${host}`)
    const lastId = opened === null ? '' : new TextDecoder().decode(opened)
    return UUID.test(lastId) ? lastId : undefined
  } catch (error) {
    if (isUnknownKeyError(error)) return undefined // a key id that the caller made up, or that has left the ring
    throw error
  }
}
