/** GET /v1/sessions — where the caller is signed in: live sessions, newest first, a page at a time. */
import { Hono } from 'hono'
import * as v from 'valibot'
import type { Env } from '../context.ts'
import { readAsCaller } from '../guard/caller.ts'
import { instant } from '../http/answer.ts'
import { openCursor, PAGE, pageOf } from '../http/cursor.ts'
import { query } from '../http/query.ts'
import { requireKeysInUse } from '../keys/auth-keys.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { listSessions } from './store.ts'

export const listOwnSessions = new Hono<Env>().get('/v1/sessions', query(v.strictObject(PAGE)), async (c) => {
  const { ctx } = c.var
  const { limit, cursor } = c.req.valid('query')
  const after = await openCursor(ctx, 'sessions', cursor, () => requireKeysInUse(ctx, 'session'))
  if (isRefusal(after)) return problemResponse(after, ctx)
  const read = await readAsCaller(ctx, c.req.raw.headers, 'listSessions', (claimed) =>
    listSessions(ctx, claimed, { after, limit: limit + 1 }),
  )
  if (isRefusal(read)) return problemResponse(read, ctx)

  const { rows, next_cursor } = await pageOf(ctx, 'sessions', {
    rows: read.found,
    limit,
    positionOf: ({ id }) => id,
  })
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
      current: row.id === read.caller.sessionId,
    })),
    next_cursor,
  })
})
