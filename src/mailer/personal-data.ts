/** Personal data in the mails that were sent. */
import { sql } from 'drizzle-orm'
import { type PersonalData, time } from '../storage/personal-data.ts'

export const mailerData = {
  mails: {
    section: [
      'mails',
      {
        says: 'emails to the person, for 30 days after they were sent; the text is not stored',
        of: ({ userId, tenantId }) =>
          sql`mails where mails.user_id = ${userId} and mails.tenant_id = ${tenantId}`,
        key: sql`mails.event_id::text`,
        members: {
          event_id: ['the event', sql`mails.event_id`],
          template: ['the template of the email', sql`mails.template`],
          state: ['`pending`, `sent` or `dropped`', sql`mails.state`],
          reason: ['why it was dropped or not sent yet', sql`mails.reason`],
          attempts: ['the number of attempts to send it', sql`mails.attempts`],
          next_attempt_at: ['when the next attempt is', time(sql`mails.next_attempt_at`)],
          created_at: ['when it was created', time(sql`mails.created_at`)],
          settled_at: ['when it was sent or dropped', time(sql`mails.settled_at`)],
        },
      },
    ],
    leftOut: {
      tenant_id: 'already in the head of the document',
      user_id: 'the id of the account',
      state: 'cannot hold the value that the test plants',
      claimed_until: 'internal state of sending',
    },
    erasure: {
      deletes: (userIds, limit) => sql`
        select ctid from mails where user_id in ${userIds} order by event_id, user_id limit ${limit} for update`,
    },
    outlived: {
      settled_mails: { where: sql`state <> 'pending' and settled_at < now() - interval '30 days'` },
    },
  },
} as const satisfies PersonalData
