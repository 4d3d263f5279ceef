/** What the accounts and the attempts at them hold about people. */
import { sql } from 'drizzle-orm'
import { type PersonalData, time } from '../storage/personal-data.ts'
import { attemptsAt, forgetAttemptsAt } from './attempts-store.ts'
import { clearAccounts } from './closing-store.ts'

export const accountsData = {
  users: {
    section: [
      'account',
      {
        says: 'the account',
        isOne: true,
        of: ({ userId, tenantId }) => sql`users where users.id = ${userId} and users.tenant_id = ${tenantId}`,
        key: sql`users.id::text`,
        members: {
          id: ['its id, which no other account ever gets', sql`users.id`],
          email: ['the address', sql`users.email`],
          email_verified_at: ['when it was proved', time(sql`users.email_verified_at`)],
          awaits_proof_since: [
            'since when an account that was never used waits for that',
            time(sql`users.awaits_proof_since`),
          ],
          name: ['the name', sql`users.name`],
          locale: ['the language of mail', sql`users.locale`],
          roles: ['what it may administer', sql`users.roles`],
          status: ['`active` or `disabled`', sql`users.status`],
          operational_mail: ['whether it gets mail that is not about security', sql`users.operational_mail`],
          second_factor_since: ['since when it has a second factor', time(sql`users.second_factor_since`)],
          created_at: ['when it was made', time(sql`users.created_at`)],
        },
      },
    ],
    leftOut: {
      tenant_id: 'the head of the document says it',
      status: 'has no room for a canary',
      deleted_at: 'a caller has none',
      erased_at: 'a caller has none',
      access_valid_from: 'the sessions that it ended say so themselves',
      ending_reason: 'the same',
    },
    // The row stays, so that its id is never given again.
    erasure: { clears: clearAccounts },
  },
  sign_in_failures: {
    section: [
      'failed_attempts',
      {
        says: 'wrong passwords in a row for the address',
        isOne: true,
        of: ({
          userId,
          tenantId,
        }) => sql`users join sign_in_failures on sign_in_failures.tenant_id = users.tenant_id
          and ${attemptsAt(sql`users.email`)} where users.id = ${userId} and users.tenant_id = ${tenantId}`,
        key: sql`users.id::text`,
        members: {
          consecutive: ['how many', sql`sign_in_failures.consecutive_failures`],
          unheard: ['how many more came while none was heard', sql`sign_in_failures.late_attempts`],
          next_attempt_at: ['when the next one is heard', time(sql`sign_in_failures.next_attempt_at`)],
          last_attempt_at: ['when the last one was', time(sql`sign_in_failures.last_attempt_at`)],
        },
      },
    ],
    leftOut: {
      tenant_id: 'the head',
      subject: 'a digest of the address',
      has_account: 'they have one',
    },
    erasure: { clears: forgetAttemptsAt },
    outlived: {
      // A password that a hundred failures made no way in (attempts.ts) stays none, however long nobody tries: to forget it
      // would be to allow the next hundred guesses. Where no account was, there is nothing to guess; whatever gives an
      // address its account forgets them too. The few that stay are passed over each time.
      sign_in_failures: {
        where: sql`last_attempt_at < now() - interval '30 days'
          and (consecutive_failures < 100 or (not has_account and last_attempt_at < now() - interval '90 days'))`,
      },
    },
  },
} as const satisfies PersonalData
