/** Webhooks hold no personal data: a body has only the ids of people (docs/events.md lists the data of each event). */
import { sql } from 'drizzle-orm'
import type { PersonalData } from '../storage/personal-data.ts'

export const webhooksData = {
  webhook_endpoints: { holdsNoPerson: 'a URL of the tenant' },
  webhook_deliveries: {
    holdsNoPerson: 'a body has only the ids of people',
    outlived: {
      settled_webhook_deliveries: {
        where: sql`state <> 'pending' and settled_at < now() - interval '30 days'`,
      },
    },
  },
} as const satisfies PersonalData
