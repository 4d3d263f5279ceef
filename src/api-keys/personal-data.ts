/** What API keys hold about people. */
import { sql } from 'drizzle-orm'
import { type PersonalData, time } from '../storage/personal-data.ts'

export const apiKeysData = {
  foreign_key_secrets: { holdsNoPerson: 'secrets of the tenant' },
  api_keys: {
    section: [
      'api_keys',
      {
        says: 'API keys; what is stored of one opens nothing',
        of: ({ userId, tenantId }) =>
          sql`api_keys where api_keys.user_id = ${userId} and api_keys.tenant_id = ${tenantId}`,
        key: sql`api_keys.id::text`,
        members: {
          id: ['its id', sql`api_keys.id`],
          name: ['its name', sql`api_keys.name`],
          is_foreign: ['whether another system made it', sql`api_keys.is_foreign`],
          scopes: ['what it may be used for', sql`api_keys.scopes`],
          created_at: ['when it was made', time(sql`api_keys.created_at`)],
          expires_at: ['until when it counts', time(sql`api_keys.expires_at`)],
          previous_expires_at: ['until when the one before counts', time(sql`api_keys.previous_expires_at`)],
          revoked_at: ['since when it does not', time(sql`api_keys.revoked_at`)],
          reminded_at: ['when its owner was told that it ends soon', time(sql`api_keys.reminded_at`)],
          last_used_at: ['when it was used last', time(sql`api_keys.last_used_at`)],
        },
      },
    ],
    leftOut: {
      tenant_id: 'the head',
      user_id: 'theirs',
      hash: 'a hash of a secret',
      previous_hash: 'the same',
      foreign_secret_id: 'how another system made the hash',
    },
    erasure: 'credential',
    outlived: { revoked_api_keys: { where: sql`revoked_at < now() - interval '30 days'` } },
  },
} as const satisfies PersonalData
