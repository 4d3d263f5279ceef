/** What the keys hold about people: nothing. */
import { sql } from 'drizzle-orm'
import type { PersonalData } from '../storage/personal-data.ts'

export const keysData = {
  signing_keys: {
    holdsNoPerson: 'of the deployment',
    outlived: {
      // What it signed was dead when it expired; the row is kept for an operator who reads a log of then.
      retired_signing_keys: { where: sql`state = 'retired' and expires_at < now() - interval '7 days'` },
    },
  },
  auth_keys: { holdsNoPerson: 'of the deployment' },
  deployed_keyrings: { holdsNoPerson: 'of the deployment' },
} as const satisfies PersonalData
