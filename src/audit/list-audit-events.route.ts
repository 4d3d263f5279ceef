/**
 * GET /v1/admin/audit-events — List the tenant's audit log, newest first, in pages. With `Accept: application/x-ndjson`
 * the answer is a stream of all matching events, oldest first, one JSON object a line.
 */
import { accepts } from 'hono/accepts'
import * as v from 'valibot'
import { recordAttempt } from '../events/dispatch.ts'
import { readCaller } from '../guard/caller.ts'
import { networkOf } from '../http/client.ts'
import { openCursor, PAGE, pageAnswer, pageOf } from '../http/cursor.ts'
import { Instant, UUID } from '../http/input.ts'
import { requireKeysInUse } from '../keys/auth-keys.ts'
import { operation } from '../operation.ts'
import { isRefusal, refuse } from '../problem.ts'
import { AuditEventAnswer, presentAuditEvents, streamAuditEvents, typesOf } from './audit-events.ts'
import { findAuditEvents, positionOf } from './list-store.ts'

const Id = v.optional(v.pipe(v.string(), v.regex(UUID, 'invalid_id')))
const Time = v.optional(Instant)

const Filters = {
  /** A type of docs/events.md, or all that begin alike: `session.*`. */
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

export const listAuditEvents = operation(
  {
    id: 'listAuditEvents',
    method: 'GET',
    path: '/v1/admin/audit-events',
    query: v.strictObject({ ...Filters, ...PAGE }),
    answers: { 200: { [JSON_TYPE]: pageAnswer(AuditEventAnswer), [NDJSON]: v.string() } },
    refusals: [],
    caller: 'admin',
    permission: 'latchkey:audit:read',
    stepUp: true,
    // Who asks, then the page in the audit log's database, then the keys of the people in it.
    budget: { redis: 1, postgres: 3 },
  },
  async ({ ctx, headers, demands, query: { limit, cursor, ...filters }, c }) => {
    const isExport =
      accepts(c, { header: 'Accept', supports: [JSON_TYPE, NDJSON], default: JSON_TYPE }) === NDJSON
    const paging = Object.keys(PAGE).find((name) => c.req.query(name) !== undefined)
    if (isExport && paging) return notInExport(paging)
    const list = `audit-events ${JSON.stringify(Object.entries(filters).toSorted())}`
    const after = await openCursor(ctx, list, cursor, () => requireKeysInUse(ctx, 'admin'))
    if (isRefusal(after)) return after
    const read = await readCaller(ctx, headers, 'listAuditEvents', demands)
    if (isRefusal(read)) return read

    const { tenant, userId } = read.caller
    const data = { format: isExport ? 'ndjson' : 'json', filters: Object.keys(filters) }
    recordAttempt(ctx, 'audit.read', { actor: userId, data })
    if (isExport)
      return new Response(streamAuditEvents(ctx, tenant.id, filters), { headers: { 'content-type': NDJSON } })
    const found = await findAuditEvents(ctx, tenant.id, { filters, after, limit: limit + 1, order: 'newest' })
    const { rows, next_cursor } = await pageOf(ctx, list, { rows: found, limit, positionOf })
    return Response.json({ data: await presentAuditEvents(ctx, rows), next_cursor })
  },
)

const notInExport = (name: string) =>
  refuse('invalid_input', { errors: [{ pointer: `/${name}`, code: 'not_in_export' }] })
