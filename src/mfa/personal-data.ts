/**
 * What the second factors hold about people. They are no `credential` of src/access/: closing and restoring an account, or
 * proving its address, must not be a way around them.
 */
import { sql } from 'drizzle-orm'
import { type PersonalData, time } from '../storage/personal-data.ts'

export const mfaData = {
  totp_factors: {
    section: [
      'totp_factors',
      {
        says: 'authenticator apps; their secrets are not given out',
        of: ({ userId, tenantId }) =>
          sql`totp_factors where totp_factors.user_id = ${userId} and totp_factors.tenant_id = ${tenantId}`,
        key: sql`totp_factors.id::text`,
        members: {
          id: ['its id', sql`totp_factors.id`],
          created_at: ['when it was made', time(sql`totp_factors.created_at`)],
          confirmed_at: ['since when it counts', time(sql`totp_factors.confirmed_at`)],
          last_used_step: [
            'the last half minute, counted from 1970, whose code was used',
            sql`totp_factors.last_used_step`,
          ],
        },
      },
    ],
    leftOut: { tenant_id: 'the head', user_id: 'theirs', sealed_secret: 'a secret' },
    erasure: {
      deletes: (userIds, limit) =>
        sql`select ctid from totp_factors where user_id in ${userIds} limit ${limit}`,
    },
    outlived: {
      unconfirmed_totp_factors: {
        where: sql`confirmed_at is null and created_at < now() - interval '1 day'`,
      },
    },
  },
  recovery_codes: {
    section: [
      'recovery_codes',
      {
        says: 'that there are recovery codes; the codes are not given out',
        of: ({ userId, tenantId }) =>
          sql`recovery_codes where recovery_codes.user_id = ${userId} and recovery_codes.tenant_id = ${tenantId}`,
        key: sql`recovery_codes.id::text`,
        members: {
          id: ['its id', sql`recovery_codes.id`],
          created_at: ['when it was made', time(sql`recovery_codes.created_at`)],
          used_at: ['when it was used', time(sql`recovery_codes.used_at`)],
        },
      },
    ],
    leftOut: { tenant_id: 'the head', user_id: 'theirs', sealed_hash: 'a secret' },
    erasure: {
      deletes: (userIds, limit) =>
        sql`select ctid from recovery_codes where user_id in ${userIds} limit ${limit}`,
    },
  },
} as const satisfies PersonalData
