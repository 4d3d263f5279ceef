/** What passkeys hold about people. */
import { sql } from 'drizzle-orm'
import { type PersonalData, time } from '../storage/personal-data.ts'

export const passkeysData = {
  passkeys: {
    section: [
      'passkeys',
      {
        says: 'passkeys; only their public keys are stored',
        of: ({ userId, tenantId }) =>
          sql`passkeys where passkeys.user_id = ${userId} and passkeys.tenant_id = ${tenantId}`,
        key: sql`passkeys.id::text`,
        members: {
          id: ['the id', sql`passkeys.id`],
          credential_id: [
            'what the authenticator knows it by, in base64',
            sql`translate(encode(passkeys.credential_id, 'base64'), chr(10), '')`,
          ],
          name: ['the name', sql`passkeys.name`],
          counter: ['the signature counter', sql`passkeys.counter`],
          transports: ['the transports (WebAuthn), such as `usb`', sql`passkeys.transports`],
          backup_eligible: ['whether it can be synchronised to other devices', sql`passkeys.backup_eligible`],
          backed_up: ['whether it is synchronised to other devices', sql`passkeys.backed_up`],
          aaguid: ['the model of the authenticator (AAGUID)', sql`passkeys.aaguid`],
          is_second_factor: ['whether it is used as second factor', sql`passkeys.is_second_factor`],
          second_factor_at: ['since when it is used as second factor', time(sql`passkeys.second_factor_at`)],
          signs_in: ['whether it signs in by itself', sql`passkeys.signs_in`],
          is_imported: ['whether it was imported from another system', sql`passkeys.is_imported`],
          created_at: ['when it was added', time(sql`passkeys.created_at`)],
          last_used_at: ['when it was last used', time(sql`passkeys.last_used_at`)],
        },
      },
    ],
    leftOut: {
      tenant_id: 'already in the head of the document',
      user_id: 'the id of the account',
      public_key: 'says nothing about a person',
    },
    erasure: 'credential',
    secondFactor: {
      boundAt: sql`coalesce(passkeys.second_factor_at, passkeys.created_at)`,
      asksFor: sql`passkeys.is_second_factor`,
      stays: (account, isKept) => sql`
        update passkeys set signs_in = false from ${account} as account
        where passkeys.user_id = account.user_id and ${isKept}`,
    },
  },
  consumed_ceremonies: {
    holdsNoPerson: 'digests of challenges',
    outlived: {
      // A challenge that has expired is refused by its own time, whatever Redis says.
      consumed_ceremonies: { where: sql`expires_at < now()` },
    },
  },
} as const satisfies PersonalData
