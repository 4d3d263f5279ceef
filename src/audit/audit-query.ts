/** What the audit log is asked: for the operation, and for the page of the console that shows the same. */
import * as v from 'valibot'
import { networkOf } from '../http/client.ts'
import { PAGE } from '../http/cursor.ts'
import { Instant, UUID } from '../http/input.ts'
import { typesOf } from './audit-events.ts'

const Id = v.optional(v.pipe(v.string(), v.regex(UUID, 'invalid_id')))
const Time = v.optional(Instant)

const FILTERS = {
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

export const AuditQuery = v.strictObject({ ...FILTERS, ...PAGE })

/** @returns the filters, and what cursors of this list are sealed under */
export function readAuditQuery({ limit: _, cursor: __, ...filters }: v.InferOutput<typeof AuditQuery>) {
  return { filters, list: `audit-events ${JSON.stringify(Object.entries(filters).toSorted())}` }
}
