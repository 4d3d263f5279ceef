/**
 * GET /v1/admin/audit-events — List the tenant's audit log, newest first, in pages. With `Accept: application/x-ndjson`
 * the answer is a stream of all matching events, oldest first, one JSON object a line.
 */
import type { Context as HonoContext } from 'hono'
import { accepts } from 'hono/accepts'
import * as v from 'valibot'
import { recordAttempt } from '../events/dispatch.ts'
import { readCaller } from '../guard/caller.ts'
import { openCursor, PAGE, pageAnswer, pageOf } from '../http/cursor.ts'
import { requireKeysInUse } from '../keys/auth-keys.ts'
import { operation } from '../operation.ts'
import { isRefusal, refuse } from '../problem.ts'
import { AuditEventAnswer, presentAuditEvents, streamAuditEvents } from './audit-events.ts'
import { AuditQuery, readAuditQuery } from './audit-query.ts'
import { findAuditEvents, positionOf } from './list-store.ts'

const NDJSON = 'application/x-ndjson'
const JSON_TYPE = 'application/json'
const TYPES = { header: 'Accept' as const, supports: [JSON_TYPE, NDJSON], default: JSON_TYPE }

/** A page of ours asks with headers that are not its request's; of a context `accepts` reads nothing else. */
const askedBy = (headers: Headers) =>
  ({ req: { header: (name: string) => headers.get(name) ?? undefined } }) as unknown as HonoContext

export const listAuditEvents = operation(
  {
    id: 'listAuditEvents',
    method: 'GET',
    path: '/v1/admin/audit-events',
    query: AuditQuery,
    answers: { 200: { [JSON_TYPE]: pageAnswer(AuditEventAnswer), [NDJSON]: v.string() } },
    refusals: [],
    caller: 'admin',
    permission: 'latchkey:audit:read',
    stepUp: true,
    // Who asks, then the page in the audit log's database, then the keys of the people in it.
    budget: { redis: 1, postgres: 3 },
  },
  async ({ ctx, headers, demands, query, c }) => {
    const { limit, cursor } = query
    const { filters, list } = readAuditQuery(query)
    const isExport = accepts(askedBy(headers), TYPES) === NDJSON
    const paging = Object.keys(PAGE).find((name) => c.req.query(name) !== undefined)
    if (isExport && paging) return notInExport(paging)
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
