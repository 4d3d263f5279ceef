/** Personal data of passwords. */
import { sql } from 'drizzle-orm'
import { type PersonalData, time } from '../storage/personal-data.ts'

export const passwordsData = {
  passwords: {
    section: [
      'password',
      {
        says: 'whether there is a password; its hash is not exported',
        isOne: true,
        of: ({ userId, tenantId }) =>
          sql`passwords where passwords.user_id = ${userId} and passwords.tenant_id = ${tenantId}`,
        key: sql`passwords.user_id::text`,
        members: { changed_at: ['when the password was last changed', time(sql`passwords.changed_at`)] },
      },
    ],
    leftOut: {
      user_id: 'the id of the account',
      tenant_id: 'already in the head of the document',
      phc: 'a secret',
      key_id: 'the key of a secret',
    },
    erasure: 'credential',
  },
} as const satisfies PersonalData
