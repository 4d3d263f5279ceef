/** What housekeeping holds about people: nothing. */
import type { PersonalData } from '../storage/personal-data.ts'

export const housekeepingData = {
  backlogs: { holdsNoPerson: 'counts of work' },
} as const satisfies PersonalData
