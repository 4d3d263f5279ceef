/** What passkeys hold about people. */
import { sql } from 'drizzle-orm'
import { type PersonalData, time } from '../storage/personal-data.ts'

export const passkeysData = {
  passkeys: {
    section: [
      'passkeys',
      {
        says: 'passkeys; the key that is stored of one verifies, and opens nothing',
        of: ({ userId, tenantId }) =>
          sql`passkeys where passkeys.user_id = ${userId} and passkeys.tenant_id = ${tenantId}`,
        key: sql`passkeys.id::text`,
        members: {
          id: ['its id', sql`passkeys.id`],
          credential_id: [
            'what the authenticator knows it by, in base64',
            sql`translate(encode(passkeys.credential_id, 'base64'), chr(10), '')`,
          ],
          name: ['its name', sql`passkeys.name`],
          counter: ['how often it was used, where the authenticator counts', sql`passkeys.counter`],
          transports: ['how it is reached', sql`passkeys.transports`],
          backup_eligible: ['whether it may be copied to other devices', sql`passkeys.backup_eligible`],
          backed_up: ['whether it has been', sql`passkeys.backed_up`],
          aaguid: ['the model of the authenticator', sql`passkeys.aaguid`],
          is_second_factor: ['whether it is asked for after another factor', sql`passkeys.is_second_factor`],
          created_at: ['when it was added', time(sql`passkeys.created_at`)],
          last_used_at: ['when it was used last', time(sql`passkeys.last_used_at`)],
        },
      },
    ],
    leftOut: {
      tenant_id: 'the head',
      user_id: 'theirs',
      public_key: 'verifies what the authenticator signs, and says nothing of a person',
    },
    erasure: 'credential',
  },
  consumed_ceremonies: {
    holdsNoPerson: 'digests of challenges',
    outlived: {
      // A challenge that has expired is refused by its own time, whatever Redis says.
      consumed_ceremonies: { where: sql`expires_at < now()` },
    },
  },
} as const satisfies PersonalData
