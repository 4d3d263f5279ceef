/** /console/audit/export — Download the audit log, or what of it is asked for, oldest first, one JSON object a line. */
import * as v from 'valibot'
import { listAuditEvents } from '../audit/list-audit-events.route.ts'
import { FORM_FIELDS } from '../pages/hosted.ts'
import { AUDIT_FIELDS, auditAsked } from './audit-fields.ts'
import { asks, consoleForm } from './console.ts'

const NDJSON = 'application/x-ndjson'

export const consoleAuditExportPage = consoleForm('consoleAuditExportPage', {
  path: '/console/audit/export',
  query: AUDIT_FIELDS,
  asks: [listAuditEvents],
  ask: ({ c }) => asks([], () => ({ asked: auditAsked(c.req.query()) })),
  view: async (desk, { asked }) => (await import('./views/audit.tsx')).exported(desk, asked),
  form: v.strictObject({ ...FORM_FIELDS, ...AUDIT_FIELDS }),
  does: listAuditEvents,
  // What it streams is read past the trips of a request.
  budget: { redis: 1, postgres: 2 },
  answers: { 200: { 'text/html': v.string(), [NDJSON]: v.string() } },
  asking: (form) => ({ query: auditAsked(form), accept: NDJSON }),
  after: (_, { body }) =>
    new Response(body, {
      headers: { 'content-type': NDJSON, 'content-disposition': 'attachment; filename="audit-log.ndjson"' },
    }),
})
