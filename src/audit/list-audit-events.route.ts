/**
 * GET /v1/admin/audit-events — the tenant's audit log, newest first, a page at a time; with
 * `Accept: application/x-ndjson` all of it that matches, oldest first, one JSON object a line, as a stream.
 */
import { Hono } from 'hono'
import { accepts } from 'hono/accepts'
import * as v from 'valibot'
import type { Env } from '../context.ts'
import { recordAttempt } from '../events/dispatch.ts'
import { readAdmin } from '../guard/admin.ts'
import { networkOf } from '../http/client.ts'
import { openCursor, PAGE, pageOf } from '../http/cursor.ts'
import { Instant, UUID } from '../http/input.ts'
import { query } from '../http/query.ts'
import { requireKeysInUse } from '../keys/auth-keys.ts'
import { isRefusal, problemResponse, refuse } from '../problem.ts'
import { presentAuditEvents, streamAuditEvents, typesOf } from './audit-events.ts'
import { listAuditEvents, positionOf } from './list-store.ts'

const Id = v.optional(v.pipe(v.string(), v.regex(UUID, 'invalid_id')))
const Time = v.optional(Instant)

const Filters = {
  /** A type of EVENTS.md, or all that begin alike: `session.*`. */
  type: v.optional(v.pipe(v.string(), v.transform(typesOf), v.minLength(1, 'unknown_event'))),
  actor: Id,
  subject: Id,
  session: Id,
  /** An address or a network. Addresses are kept as /24 and /48, so whatever is narrower finds that. */
  address: v.optional(
    v.pipe(
      v.string(),
      v.maxLength(64, 'invalid_address'),
      v.check((text) => networkOf(text) !== null, 'invalid_address'),
    ),
  ),
  from: Time,
  to: Time,
}

const NDJSON = 'application/x-ndjson'
const JSON_TYPE = 'application/json'

export const listAuditEventsRoute = new Hono<Env>().get(
  '/v1/admin/audit-events',
  query(v.strictObject({ ...Filters, ...PAGE })),
  async (c) => {
    const { ctx } = c.var
    const { limit, cursor, ...filters } = c.req.valid('query')
    const isExport =
      accepts(c, { header: 'Accept', supports: [JSON_TYPE, NDJSON], default: JSON_TYPE }) === NDJSON
    const paging = Object.keys(PAGE).find((name) => c.req.query(name) !== undefined)
    if (isExport && paging) return problemResponse(notInExport(paging), ctx)
    const list = `audit-events ${JSON.stringify(Object.entries(filters).toSorted())}`
    const after = await openCursor(ctx, list, cursor, () => requireKeysInUse(ctx, 'admin'))
    if (isRefusal(after)) return problemResponse(after, ctx)
    const read = await readAdmin(ctx, c.req.raw.headers, 'listAuditEvents', { stepUp: true })
    if (isRefusal(read)) return problemResponse(read, ctx)

    const { tenant, userId } = read.caller
    const data = { format: isExport ? 'ndjson' : 'json', filters: Object.keys(filters) }
    recordAttempt(ctx, 'audit.read', { actor: userId, data })
    if (isExport) {
      const headers = { 'content-type': NDJSON }
      return c.body(streamAuditEvents(ctx, tenant.id, filters), { headers })
    }
    const found = await listAuditEvents(ctx, tenant.id, { filters, after, limit: limit + 1, order: 'newest' })
    const { rows, next_cursor } = await pageOf(ctx, list, {
      rows: found,
      limit,
      positionOf,
    })
    return c.json({ data: await presentAuditEvents(ctx, rows), next_cursor })
  },
)

const notInExport = (name: string) =>
  refuse('invalid_input', { errors: [{ pointer: `/${name}`, code: 'not_in_export' }] })
