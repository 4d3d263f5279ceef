/** What the mailed links and codes hold about people. */
import { sql } from 'drizzle-orm'
import { type PersonalData, time } from '../storage/personal-data.ts'

export const oneTimeData = {
  one_time_tokens: {
    section: [
      'one_time_tokens',
      {
        says: 'links and codes that were mailed, until a day after they expired',
        of: ({ userId, tenantId }) =>
          sql`one_time_tokens where one_time_tokens.user_id = ${userId} and one_time_tokens.tenant_id = ${tenantId}`,
        key: sql`one_time_tokens.id::text`,
        members: {
          id: ['its id, which events name', sql`one_time_tokens.id`],
          purpose: ['what it is for', sql`one_time_tokens.purpose`],
          address: ['where it was mailed', sql`one_time_tokens.subject`],
          roles: ['the roles that it grants', sql`one_time_tokens.grants`],
          created_at: ['when it was made', time(sql`one_time_tokens.created_at`)],
          expires_at: ['when it expires', time(sql`one_time_tokens.expires_at`)],
          consumed_at: ['when it was used', time(sql`one_time_tokens.consumed_at`)],
          wrong_codes: ['wrong codes for this one', sql`one_time_tokens.attempts`],
          wrong_codes_of_asking_browser: [
            'those from the browser that asked for it',
            sql`one_time_tokens.own_attempts`,
          ],
          wrong_codes_in_a_row: ['and in a row, over several', sql`one_time_tokens.failures`],
        },
      },
    ],
    leftOut: {
      tenant_id: 'the head',
      user_id: 'theirs',
      holder: 'theirs',
      hash: 'a secret',
      key_id: 'of a secret',
      code_hash: 'a secret',
      browser_hash: 'a secret',
      flow_id: 'which two belong together, which their times say',
    },
    erasure: 'with access',
    outlived: {
      // A link says for another day why it is not valid. Wrong codes are counted on their rows, and are forgotten as wrong
      // passwords are: after a hundred of them the code of an account stays no way in (purposes.ts).
      one_time_tokens: {
        where: sql`expires_at < now() - interval '1 day'
          and (failures = 0 or (failures < 100 and expires_at < now() - interval '30 days')
            or (user_id is null and expires_at < now() - interval '90 days'))`,
      },
    },
  },
} as const satisfies PersonalData
