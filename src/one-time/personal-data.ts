/** What the mailed links and codes hold about people. */
import { sql } from 'drizzle-orm'
import { type PersonalData, time } from '../storage/personal-data.ts'

export const oneTimeData = {
  one_time_tokens: {
    section: [
      'one_time_tokens',
      {
        says: 'mailed links and codes, until a day after they expired',
        of: ({ userId, tenantId }) =>
          sql`one_time_tokens where one_time_tokens.user_id = ${userId} and one_time_tokens.tenant_id = ${tenantId}`,
        key: sql`one_time_tokens.id::text`,
        members: {
          id: ['the id, which events refer to', sql`one_time_tokens.id`],
          purpose: ['the purpose', sql`one_time_tokens.purpose`],
          address: ['the email address that it was sent to', sql`one_time_tokens.subject`],
          roles: ['the roles that it grants', sql`one_time_tokens.grants`],
          created_at: ['when it was created', time(sql`one_time_tokens.created_at`)],
          expires_at: ['when it expires', time(sql`one_time_tokens.expires_at`)],
          consumed_at: ['when it was used', time(sql`one_time_tokens.consumed_at`)],
          wrong_codes: ['the number of wrong codes', sql`one_time_tokens.attempts`],
          wrong_codes_of_asking_browser: [
            'those from the browser that asked for it',
            sql`one_time_tokens.own_attempts`,
          ],
          wrong_codes_in_a_row: [
            'the number of wrong codes in a row, across several tokens',
            sql`one_time_tokens.failures`,
          ],
        },
      },
    ],
    leftOut: {
      tenant_id: 'already in the head of the document',
      user_id: 'the id of the account',
      holder: 'the id of the account',
      hash: 'a secret',
      key_id: 'the key of a secret',
      code_hash: 'a secret',
      browser_hash: 'a secret',
      flow_id: 'links two tokens of one change of email',
    },
    erasure: 'with access',
    outlived: {
      // A link says for another day why it is not valid. Wrong codes are counted on their rows, and are forgotten as wrong
      // passwords are: after a hundred of them the codes of an account stay disabled (purposes.ts).
      one_time_tokens: {
        where: sql`expires_at < now() - interval '1 day'
          and (failures = 0 or (failures < 100 and expires_at < now() - interval '30 days')
            or (user_id is null and expires_at < now() - interval '90 days'))`,
      },
    },
  },
} as const satisfies PersonalData
