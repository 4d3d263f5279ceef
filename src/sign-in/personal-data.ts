/** What a sign-in that waits for its second factor holds about people. */
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
          id: ['its id', sql`mfa_challenges.id`],
          purpose: [
            '`sign_in`, or `enrol`: a second factor had to be added first',
            sql`mfa_challenges.purpose`,
          ],
          amr: ['what was passed (RFC 8176)', sql`mfa_challenges.amr`],
          is_known_browser: ['whether the browser was known', sql`mfa_challenges.is_known_browser`],
          wrong_codes: ['wrong codes for this one', sql`mfa_challenges.attempts`],
          sign_ins: ['sign-ins that could only add a factor', sql`mfa_challenges.sign_ins`],
          created_at: ['when it was made', time(sql`mfa_challenges.created_at`)],
          expires_at: ['when it expires', time(sql`mfa_challenges.expires_at`)],
          consumed_at: ['when it was passed', time(sql`mfa_challenges.consumed_at`)],
        },
      },
    ],
    leftOut: {
      tenant_id: 'the head',
      user_id: 'theirs',
      hash: 'a secret',
      purpose: 'has no room for a canary',
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
} as const satisfies PersonalData
