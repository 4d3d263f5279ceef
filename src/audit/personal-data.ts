/**
 * What the audit log holds about people: sealed under a key of each, which erasure deletes (src/events/personal-data.ts), so
 * that its rows and their chains stay. Its own export opens them (src/me/export.ts); its months are dropped whole.
 */
import type { PersonalData } from '../storage/personal-data.ts'

export const auditData = {
  audit_events: { apart: 'what is sealed is opened by its own export' },
  audit_events_other: { apart: 'a part of it' },
  audit_heads: { holdsNoPerson: 'where each chain ends' },
  audit_erased: { apart: 'marks of people who are gone, which end after an hour' },
} as const satisfies PersonalData
