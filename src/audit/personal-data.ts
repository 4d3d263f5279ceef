/**
 * What the audit log holds about people: sealed under a key of each, which erasure deletes (src/events/personal-data.ts), so
 * that its rows and their chains stay. Its own export opens them (src/me/export.ts); its months are dropped whole.
 */
import type { PersonalData } from '../storage/personal-data.ts'

export const auditData = {
  audit_events: { isApart: true },
  audit_events_other: { isApart: true },
  audit_heads: { isApart: true },
  audit_erased: { isApart: true },
} as const satisfies PersonalData
