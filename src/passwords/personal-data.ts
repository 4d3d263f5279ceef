/** What the passwords hold about people. */
import { sql } from 'drizzle-orm'
import { type PersonalData, time } from '../storage/personal-data.ts'

export const passwordsData = {
  passwords: {
    section: [
      'password',
      {
        says: 'that there is a password; what is stored of it opens nothing and is not given out',
        isOne: true,
        of: ({ userId, tenantId }) =>
          sql`passwords where passwords.user_id = ${userId} and passwords.tenant_id = ${tenantId}`,
        key: sql`passwords.user_id::text`,
        members: { changed_at: ['since when it is this one', time(sql`passwords.changed_at`)] },
      },
    ],
    leftOut: { user_id: 'theirs', tenant_id: 'the head', phc: 'a secret', key_id: 'of a secret' },
    erasure: 'credential',
  },
} as const satisfies PersonalData
