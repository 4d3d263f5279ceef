/** GET /v1/sessions — List the caller's active sessions, newest first, in pages. */
import * as v from 'valibot'
import { readAsCaller } from '../guard/caller.ts'
import { AnsweredInstant, instant } from '../http/answer.ts'
import { openCursor, PAGE, pageAnswer, pageOf } from '../http/cursor.ts'
import { requireKeysInUse } from '../keys/auth-keys.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { findSessions } from './store.ts'

const ListedSession = v.object({
  id: v.pipe(v.string(), v.uuid()),
  created_at: AnsweredInstant,
  last_used_at: AnsweredInstant,
  expires_at: AnsweredInstant,
  address: v.nullable(v.string()),
  country: v.nullable(v.string()),
  city: v.nullable(v.string()),
  network: v.nullable(v.string()),
  user_agent: v.nullable(v.string()),
  device: v.nullable(v.string()),
  methods: v.array(v.string()),
  current: v.boolean(),
})

export const listSessions = operation(
  {
    id: 'listSessions',
    method: 'GET',
    path: '/v1/sessions',
    query: v.strictObject(PAGE),
    answers: { 200: pageAnswer(ListedSession) },
    refusals: [],
    caller: 'user',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, query: { limit, cursor } }) => {
    const after = await openCursor(ctx, 'sessions', cursor, () => requireKeysInUse(ctx, 'session'))
    if (isRefusal(after)) return after
    const read = await readAsCaller(ctx, headers, 'listSessions', (claimed) =>
      findSessions(ctx, claimed, { after, limit: limit + 1 }),
    )
    if (isRefusal(read)) return read

    const { rows, next_cursor } = await pageOf(ctx, 'sessions', {
      rows: read.found,
      limit,
      positionOf: ({ id }) => id,
    })
    const data = rows.map((row) => ({
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
    }))
    return Response.json({ data, next_cursor })
  },
)
