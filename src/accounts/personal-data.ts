/** Personal data in accounts and in failed sign-in attempts. */
import { sql } from 'drizzle-orm'
import { type PersonalData, time } from '../storage/personal-data.ts'
import { attemptsAt, forgetAllAttempts, secondFactorAttemptsOf } from './attempts-store.ts'
import { clearAccounts } from './closing-store.ts'

const FAILURES = {
  consecutive: ['the number of failed attempts', sql`sign_in_failures.consecutive_failures`],
  throttled: [
    'the number of attempts that were refused without a check',
    sql`sign_in_failures.late_attempts`,
  ],
  next_attempt_at: ['when the next attempt is allowed', time(sql`sign_in_failures.next_attempt_at`)],
  last_attempt_at: ['when the last attempt was', time(sql`sign_in_failures.last_attempt_at`)],
} as const

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
          id: ['the id of the account, which is never reused', sql`users.id`],
          email: ['the email address', sql`users.email`],
          email_verified_at: ['when the email was verified', time(sql`users.email_verified_at`)],
          unverified_since: [
            'since when an account that was never used waits for its email to be verified',
            time(sql`users.awaits_proof_since`),
          ],
          name: ['the name', sql`users.name`],
          locale: ['the language for email and pages', sql`users.locale`],
          roles: ['the roles, such as `admin`', sql`users.roles`],
          status: ['`active` or `disabled`', sql`users.status`],
          operational_mail: [
            'whether the account gets email that is not about security',
            sql`users.operational_mail`,
          ],
          second_factor_since: [
            'since when the account has a second factor',
            time(sql`users.second_factor_since`),
          ],
          external_id: ['the id that the product has for the person', sql`users.external_id`],
          public_metadata: ['what the person or the product has written', sql`users.public_metadata`],
          private_metadata: ['what the product alone has written', sql`users.private_metadata`],
          created_at: ['when the account was created', time(sql`users.created_at`)],
        },
      },
    ],
    leftOut: {
      tenant_id: 'already in the head of the document',
      status: 'cannot hold the value that the test plants',
      deleted_at: 'null for every caller',
      erased_at: 'null for every caller',
      access_valid_from: 'the ended sessions have it',
      ending_reason: 'the ended sessions have it',
    },
    // The row stays, so that its id is never given again.
    erasure: { clears: clearAccounts },
  },
  sign_in_failures: {
    section: [
      'failed_attempts',
      {
        says: 'failed password attempts in a row',
        isOne: true,
        of: ({
          userId,
          tenantId,
        }) => sql`users join sign_in_failures on sign_in_failures.tenant_id = users.tenant_id
          and ${attemptsAt(sql`users.email`)} where users.id = ${userId} and users.tenant_id = ${tenantId}`,
        key: sql`users.id::text`,
        members: FAILURES,
      },
    ],
    besides: [
      [
        'failed_second_factors',
        {
          says: 'wrong second-factor codes in a row',
          isOne: true,
          of: ({
            userId,
            tenantId,
          }) => sql`users join sign_in_failures on sign_in_failures.tenant_id = users.tenant_id
          and ${secondFactorAttemptsOf(sql`users.id`)} where users.id = ${userId} and users.tenant_id = ${tenantId}`,
          key: sql`users.id::text`,
          members: FAILURES,
        },
      ],
    ],
    leftOut: {
      tenant_id: 'the head',
      subject: 'a digest of the address, or of the account’s id',
      has_account: 'they have one',
    },
    erasure: { clears: forgetAllAttempts },
    outlived: {
      // A password that a hundred failures disabled (attempts.ts) stays disabled, however old the last attempt is: deleting the
      // row would allow a hundred more guesses. Without an account there is nothing to guess, and creating the account deletes
      // the row. The few rows that stay are skipped each time.
      sign_in_failures: {
        where: sql`last_attempt_at < now() - interval '30 days'
          and (consecutive_failures < 100 or (not has_account and last_attempt_at < now() - interval '90 days'))`,
      },
    },
  },
} as const satisfies PersonalData
