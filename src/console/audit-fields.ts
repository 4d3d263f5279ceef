/** What the pages of the audit log are asked by their forms, and how that becomes what the operation takes. */
import * as v from 'valibot'
import { text } from '../http/input.ts'

const Typed = v.optional(text(100))

export const AUDIT_FIELDS = {
  type: Typed,
  subject: Typed,
  actor: Typed,
  session: Typed,
  address: Typed,
  from: Typed,
  to: Typed,
}

/** A field that was left empty asks nothing; the time of a field (HTML, `datetime-local`) is in UTC here, and has no seconds. */
export function auditAsked(fields: Record<string, string | undefined>): Record<string, string> {
  const named = [...Object.keys(AUDIT_FIELDS), 'cursor']
  return Object.fromEntries(
    named.flatMap((name) => {
      const value = fields[name]?.trim() ?? ''
      return value === '' ? [] : [[name, instantOf(value)]]
    }),
  )
}

export const instantOf = (value: string): string => {
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(value)) return `${value}:00Z`
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(value) ? `${value}Z` : value
}
