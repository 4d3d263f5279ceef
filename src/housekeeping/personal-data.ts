/** Housekeeping holds no personal data. */
import type { PersonalData } from '../storage/personal-data.ts'

export const housekeepingData = {
  backlogs: { holdsNoPerson: 'counts of waiting rows' },
} as const satisfies PersonalData
