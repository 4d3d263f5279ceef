/** What the webhooks hold about people: a body names them by id alone (EVENTS.md says what each event carries). */
import { sql } from 'drizzle-orm'
import type { PersonalData } from '../storage/personal-data.ts'

export const webhooksData = {
  webhook_endpoints: { holdsNoPerson: 'an address of the tenant' },
  webhook_deliveries: {
    holdsNoPerson: 'a body names people by id alone',
    outlived: {
      settled_webhook_deliveries: {
        where: sql`state <> 'pending' and settled_at < now() - interval '30 days'`,
      },
    },
  },
} as const satisfies PersonalData
