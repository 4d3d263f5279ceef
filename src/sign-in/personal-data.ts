/** Personal data of sign-ins that wait for a second factor, and of browsers that need none. */
import { sql } from 'drizzle-orm'
import { type PersonalData, time } from '../storage/personal-data.ts'

export const signInData = {
  mfa_challenges: {
    section: [
      'second_factor_challenges',
      {
        says: 'sign-ins that waited for a second factor, until a day after they expired',
        of: ({ userId, tenantId }) =>
          sql`mfa_challenges where mfa_challenges.user_id = ${userId} and mfa_challenges.tenant_id = ${tenantId}`,
        key: sql`mfa_challenges.id::text`,
        members: {
          id: ['the id', sql`mfa_challenges.id`],
          purpose: [
            '`sign_in`, or `enrol`: a second factor had to be added first',
            sql`mfa_challenges.purpose`,
          ],
          amr: ['the factor that was passed (RFC 8176)', sql`mfa_challenges.amr`],
          is_known_browser: [
            'whether this browser had signed in before',
            sql`mfa_challenges.is_known_browser`,
          ],
          is_by_email: [
            'whether the first factor was a code or link sent by email',
            sql`mfa_challenges.is_by_email`,
          ],
          codes_sent: ['the number of codes sent by email', sql`mfa_challenges.codes_sent`],
          wrong_codes: ['the number of wrong codes', sql`mfa_challenges.attempts`],
          sign_ins: ['the number of sign-ins that had to add a factor first', sql`mfa_challenges.sign_ins`],
          created_at: ['when it was created', time(sql`mfa_challenges.created_at`)],
          expires_at: ['when it expires', time(sql`mfa_challenges.expires_at`)],
          consumed_at: ['when it was passed', time(sql`mfa_challenges.consumed_at`)],
        },
      },
    ],
    leftOut: {
      tenant_id: 'already in the head of the document',
      user_id: 'the id of the account',
      hash: 'a secret',
      code_id: 'part of a secret',
      code_key_id: 'part of a secret',
      purpose: 'cannot hold the value that the test plants',
    },
    erasure: {
      deletes: (userIds, limit) =>
        sql`select ctid from mfa_challenges where user_id in ${userIds} limit ${limit}`,
    },
    outlived: {
      // One of the other purpose counts how often adding a factor was put off.
      mfa_challenges: { where: sql`purpose = 'sign_in' and expires_at < now() - interval '1 day'` },
    },
  },
  trusted_devices: {
    section: [
      'trusted_devices',
      {
        says: 'trusted browsers, which need no second factor, until a day after they expire',
        of: ({ userId, tenantId }) =>
          sql`trusted_devices where trusted_devices.user_id = ${userId} and trusted_devices.tenant_id = ${tenantId}`,
        key: sql`trusted_devices.id::text`,
        members: {
          id: ['the id', sql`trusted_devices.id`],
          device: ['the browser and its system', sql`trusted_devices.device_label`],
          country: ['the country at that time', sql`trusted_devices.country`],
          created_at: ['when it was trusted', time(sql`trusted_devices.created_at`)],
          last_used_at: ['the last sign-in without a second factor', time(sql`trusted_devices.last_used_at`)],
          expires_at: ['when it expires', time(sql`trusted_devices.expires_at`)],
        },
      },
    ],
    leftOut: {
      tenant_id: 'already in the head of the document',
      user_id: 'the id of the account',
      hash: 'a secret',
    },
    erasure: {
      deletes: (userIds, limit) =>
        sql`select ctid from trusted_devices where user_id in ${userIds} limit ${limit}`,
    },
    outlived: { trusted_devices: { where: sql`expires_at < now() - interval '1 day'` } },
  },
} as const satisfies PersonalData
