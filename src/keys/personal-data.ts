/** Keys hold no personal data. */
import { sql } from 'drizzle-orm'
import type { PersonalData } from '../storage/personal-data.ts'

export const keysData = {
  signing_keys: {
    holdsNoPerson: 'of the deployment',
    outlived: {
      // Every token that it signed has expired; the row stays for a week, for operators who read logs.
      retired_signing_keys: { where: sql`state = 'retired' and expires_at < now() - interval '7 days'` },
    },
  },
  auth_keys: { holdsNoPerson: 'of the deployment' },
  deployed_keyrings: { holdsNoPerson: 'of the deployment' },
} as const satisfies PersonalData
