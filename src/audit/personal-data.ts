/**
 * Personal data in the audit log. It is sealed with a key per person; erasure deletes that key (src/events/personal-data.ts),
 * so the rows and their hash chain stay. The export opens them (src/me/export.ts). Old months are dropped as a whole.
 */
import type { PersonalData } from '../storage/personal-data.ts'

export const auditData = {
  audit_events: { apart: 'the export opens the sealed rows itself' },
  audit_events_other: { apart: 'a partition of audit_events' },
  audit_heads: { holdsNoPerson: 'the newest hash of each chain' },
  audit_erased: { apart: 'ids of erased people, for one hour' },
} as const satisfies PersonalData
