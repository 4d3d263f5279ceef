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
        says: 'authenticator apps; the secrets are not exported',
        of: ({ userId, tenantId }) =>
          sql`totp_factors where totp_factors.user_id = ${userId} and totp_factors.tenant_id = ${tenantId}`,
        key: sql`totp_factors.id::text`,
        members: {
          id: ['the id', sql`totp_factors.id`],
          created_at: ['when it was created', time(sql`totp_factors.created_at`)],
          confirmed_at: ['since when it is active', time(sql`totp_factors.confirmed_at`)],
          last_used_step: [
            'the last half minute, counted from 1970, whose code was used',
            sql`totp_factors.last_used_step`,
          ],
        },
      },
    ],
    leftOut: {
      tenant_id: 'already in the head of the document',
      user_id: 'the id of the account',
      sealed_secret: 'a secret',
    },
    erasure: {
      deletes: (userIds, limit) =>
        sql`select ctid from totp_factors where user_id in ${userIds} limit ${limit}`,
    },
    secondFactor: {
      boundAt: sql`coalesce(totp_factors.confirmed_at, totp_factors.created_at)`,
      asksFor: sql`totp_factors.confirmed_at is not null`,
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
        says: 'recovery codes; the codes themselves are not exported',
        of: ({ userId, tenantId }) =>
          sql`recovery_codes where recovery_codes.user_id = ${userId} and recovery_codes.tenant_id = ${tenantId}`,
        key: sql`recovery_codes.id::text`,
        members: {
          id: ['the id', sql`recovery_codes.id`],
          created_at: ['when it was created', time(sql`recovery_codes.created_at`)],
          used_at: ['when it was used', time(sql`recovery_codes.used_at`)],
        },
      },
    ],
    leftOut: {
      tenant_id: 'already in the head of the document',
      user_id: 'the id of the account',
      sealed_hash: 'a secret',
    },
    erasure: {
      deletes: (userIds, limit) =>
        sql`select ctid from recovery_codes where user_id in ${userIds} limit ${limit}`,
    },
    secondFactor: { boundAt: sql`recovery_codes.created_at` },
  },
  second_factor_removals: {
    section: [
      'second_factor_removals',
      {
        says: 'removals of second factors that an administrator asked for, until 90 days after they ended',
        of: ({ userId, tenantId }) =>
          sql`second_factor_removals where second_factor_removals.user_id = ${userId} and second_factor_removals.tenant_id = ${tenantId}`,
        key: sql`second_factor_removals.id::text`,
        members: {
          id: ['the id', sql`second_factor_removals.id`],
          reason: ['the reason that the administrator gave', sql`second_factor_removals.reason`],
          requested_at: ['when it was asked for', time(sql`second_factor_removals.created_at`)],
          due_at: ['when it is carried out', time(sql`second_factor_removals.due_at`)],
          settled_at: ['when it was carried out or cancelled', time(sql`second_factor_removals.settled_at`)],
          outcome: [
            '`removed`, `cancelled`, or `factor_used`: the owner used one',
            sql`second_factor_removals.outcome`,
          ],
        },
      },
    ],
    leftOut: {
      tenant_id: 'already in the head of the document',
      user_id: 'the id of the account',
      requested_by: 'the id of another person',
    },
    erasure: {
      deletes: (userIds, limit) =>
        sql`select ctid from second_factor_removals where user_id in ${userIds} limit ${limit}`,
    },
    outlived: {
      second_factor_removals: { where: sql`settled_at < now() - interval '90 days'` },
    },
  },
} as const satisfies PersonalData
